import { defineStorage } from '@aws-amplify/backend';
import { thumbnail } from '../functions/thumbnail/resource';

export const photos = defineStorage({
  name: 'photos',
  isDefault: true,
  access: (allow) => ({
    'public/*': [
      allow.guest.to(['read']),
      allow.authenticated.to(['read', 'write']),
      allow.groups(['photographers']).to(['read', 'write', 'delete']),
      allow.groups(['moderators']).to(['read', 'delete']),
    ],
    'public/featured/*': [
      allow.guest.to(['read']),
      allow.authenticated.to(['read']),
      allow.groups(['photographers']).to(['read']),
      allow.groups(['moderators']).to(['read', 'write', 'delete']),
    ],
    'originals/{entity_id}/*': [
      allow.entity('identity').to(['read', 'write', 'delete']),
      allow.resource(thumbnail).to(['get']),
    ],
    'thumbnails/*': [
      allow.guest.to(['get']),
      allow.authenticated.to(['get']),
      allow.resource(thumbnail).to(['read', 'write']),
    ],
  }),
  triggers: { onUpload: thumbnail },
});

export const exportsBucket = defineStorage({
  name: 'photo-exports',
  access: (allow) => ({
    'exports/{entity_id}/*': [allow.entity('identity').to(['read', 'delete'])],
  }),
});
