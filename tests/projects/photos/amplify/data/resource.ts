import { a, defineData, type ClientSchema } from '@aws-amplify/backend';
import { thumbnail } from '../functions/thumbnail/resource';

const rating = a.customType({
  stars: a.integer().required(),
  text: a.string(),
});

const schema = a.schema({
  Visibility: a.enum(['private', 'friends', 'public']),
  Rating: rating,

  Album: a
    .model({
      title: a.string().required(),
      visibility: a.ref('Visibility').required(),
      friends: a.string().array(),
      cover: a.hasOne('Cover', 'albumId'),
      photos: a.hasMany('Photo', 'albumId'),
    })
    .authorization((allow) => [
      allow.owner(),
      allow.ownersDefinedIn('friends').to(['read']),
      allow.group('moderators').to(['read', 'delete']),
    ]),

  Cover: a
    .model({
      albumId: a.id(),
      album: a.belongsTo('Album', 'albumId'),
      key: a.string().required(),
    })
    .authorization((allow) => allow.owner()),

  Photo: a
    .model({
      albumId: a.id(),
      album: a.belongsTo('Album', 'albumId'),
      takenAt: a.datetime(),
      key: a.string().required(),
      location: a.customType({ lat: a.float().required(), long: a.float().required() })
        .authorization((allow) => [allow.owner()]),
      caption: a.string().validate((value) => value.maxLength(500, 'too long')),
      ratings: a.ref('Rating').array(),
    })
    .secondaryIndexes((index) => [index('albumId').sortKeys(['takenAt']).queryField('photosByAlbum')])
    .authorization((allow) => [
      allow.owner(),
      allow.guest().to(['read']),
      allow.authenticated('identityPool').to(['read']),
      allow.authenticated().to(['read']),
      allow.group('moderators').to(['read', 'delete']),
    ]),

  feature: a
    .mutation()
    .arguments({ photoId: a.id().required(), note: a.string() })
    .returns(a.ref('Photo'))
    .handler(a.handler.function(thumbnail))
    .authorization((allow) => [allow.group('moderators')]),

  nearby: a
    .query()
    .arguments({ lat: a.float().required(), long: a.float().required() })
    .returns(a.customType({ photoIds: a.id().array(), total: a.integer() }))
    .handler(a.handler.function(thumbnail))
    .authorization((allow) => [allow.authenticated(), allow.guest()]),

  onPhoto: a
    .subscription()
    .for(a.ref('Photo').mutations(['create', 'delete']))
    .handler(a.handler.custom({ entry: './on-photo.js' }))
    .authorization((allow) => [allow.group('moderators')]),
}).authorization((allow) => [allow.resource(thumbnail).to(['mutate'])]);

export type Schema = ClientSchema<typeof schema>;

export const data = defineData({
  schema,
  authorizationModes: { defaultAuthorizationMode: 'iam' },
});
