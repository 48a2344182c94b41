import { defineAuth } from "@aws-amplify/backend";
import { extraGroups } from "some-package";

export const auth = defineAuth({
  loginWith: { email: true, webAuthn: true },
  groups: ["ADMINS", "EDITORS", ...extraGroups(), "LATER"],
  multifactor: { mode: process.env.MFA },
  futureSetting: true,
  access: (allow) => [
    allow.resource(process.env.INVITER).to(["createUser"]),
  ],
});
