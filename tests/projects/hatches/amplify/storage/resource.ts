import { defineStorage } from "@aws-amplify/backend";

export const files = defineStorage({
  name: "files",
  access: (allow) => ({
    "reports/*": [allow.groups(["ADMINS", "AUDITORS"]).to(["read"]), allow.groups(["EDITORS"]).to(["read", "write"])],
    "public/*": [allow.guest.to(["read"])],
  }),
});
