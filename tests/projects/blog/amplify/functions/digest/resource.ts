import { defineFunction } from "@aws-amplify/backend";

export const digest = defineFunction({
  name: "weekly-digest",
  schedule: "every week",
  entry: "./handler.ts",
});
