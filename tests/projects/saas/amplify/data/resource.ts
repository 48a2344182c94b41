import { type ClientSchema, a, defineData } from "@aws-amplify/backend";
import { scimAuthorizer } from "./functions";
import { projects } from "./models/projects";
import { tenants } from "./models/tenants";

const schema = a.combine([a.schema({ ...tenants }), projects]);

export type Schema = ClientSchema<typeof schema>;

export const data = defineData({
  schema,
  authorizationModes: {
    defaultAuthorizationMode: "userPool",
    lambdaAuthorizationMode: { function: scimAuthorizer, timeToLiveInSeconds: 300 },
    oidcAuthorizationMode: {
      oidcProviderName: "corporate",
      oidcIssuerUrl: "https://idp.example.com",
      tokenExpiryFromAuthInSeconds: 3600,
      tokenExpireFromIssueInSeconds: 3600,
    },
  },
});
