import { defineAuth, secret } from '@aws-amplify/backend';

export const auth = defineAuth({
  loginWith: {
    email: true,
    phone: true,
    externalProviders: {
      google: {
        clientId: secret('GOOGLE_CLIENT_ID'),
        clientSecret: secret('GOOGLE_CLIENT_SECRET'),
      },
      callbackUrls: ['http://localhost:3000/profile'],
      logoutUrls: ['http://localhost:3000/'],
    },
  },
  groups: ['moderators', 'photographers'],
  accountRecovery: 'EMAIL_ONLY',
});
