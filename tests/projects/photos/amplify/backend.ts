import { defineBackend } from '@aws-amplify/backend';
import { auth } from './auth/resource';
import { data } from './data/resource';
import { thumbnail } from './functions/thumbnail/resource';
import { photos, exportsBucket } from './storage/resource';

export const backend = defineBackend({ auth, data, thumbnail, photos, exportsBucket });
