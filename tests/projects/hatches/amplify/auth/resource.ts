import { defineAuth } from "@aws-amplify/backend";
import { report } from "../functions/report/resource";

export const auth = defineAuth({
  loginWith: { email: { verificationEmailStyle: "LINK" }, phone: false, webAuthn: true },
  groups: ["ADMINS", "EDITORS", "AUDITORS"],
  access: (allow) => [
    allow.resource(report).to(["listUsers", "manageUsers"]),
    allow.resource(report).to(["addUserToGroup"]),
  ],
});
