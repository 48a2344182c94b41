import { defineFunction } from "@aws-amplify/backend";

export const report = defineFunction({ name: "monthly-report", schedule: "every month" });
