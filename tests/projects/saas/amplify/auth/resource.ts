import { defineAuth } from "@aws-amplify/backend";
import { inviteMember } from "../data/functions";
import { PLATFORM } from "../shared/roles";
import { preToken } from "./pre-token/resource";

export const auth = defineAuth({
  loginWith: {
    email: true,
    externalProviders: {
      saml: { name: "corporate", metadata: { metadataContent: "https://idp.example.com/metadata", metadataType: "URL" } },
      callbackUrls: ["https://app.example.com/"],
      logoutUrls: ["https://app.example.com/bye"],
    },
  },
  multifactor: { mode: "OPTIONAL", totp: true },
  userAttributes: {
    "custom:tenant": { dataType: "String", mutable: false },
  },
  groups: [...PLATFORM],
  triggers: { preTokenGeneration: preToken },
  access: (allow) => [allow.resource(inviteMember).to(["createUser", "addUserToGroup", "listUsersInGroup"])],
});
