import { defineAuth } from "@aws-amplify/backend";

export const auth = defineAuth({
  loginWith: {
    email: { verificationEmailStyle: "CODE", verificationEmailSubject: "Welcome" },
    externalProviders: {
      google: { clientId: "an id", clientSecret: "a secret" },
      callbackUrls: ["http://localhost:3000/"],
      logoutUrls: ["http://localhost:3000/"],
    },
  },
  groups: ["ORGANIZERS"],
});
