import { defineFunction } from '@aws-amplify/backend';

export const thumbnail = defineFunction({
  name: 'thumbnail',
  entry: './handler.ts',
  timeoutSeconds: 60,
});
