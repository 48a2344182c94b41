import { type ClientSchema, a, defineData } from "@aws-amplify/backend";
import { digest } from "../functions/digest/resource";

const schema = a
  .schema({
    PostState: a.enum(["DRAFT", "REVIEW", "PUBLISHED"]),

    Post: a
      .model({
        title: a.string().required(),
        slug: a.string().required(),
        excerpt: a.string(),
        body: a.string(),
        state: a.ref("PostState"),
        publishedAt: a.datetime(),
        // What the editors say among themselves. The owner cannot read it, and can delete the post with it.
        notes: a
          .string()
          .authorization((allow) => [allow.groups(["ADMINS", "EDITORS"]), allow.owner().to(["delete"])]),
        comments: a.hasMany("Comment", "postId"),
        tags: a.hasMany("PostTag", "postId"),
      })
      .secondaryIndexes((index) => [index("slug"), index("state").sortKeys(["publishedAt"])])
      .authorization((allow) => [
        allow.group("ADMINS"),
        allow.group("EDITORS").to(["read", "update"]),
        allow.owner(),
        allow.publicApiKey().to(["read"]),
      ]),

    Comment: a
      .model({
        postId: a.id().required(),
        post: a.belongsTo("Post", "postId"),
        text: a.string().required(),
        isHidden: a.boolean().default(false),
      })
      .authorization((allow) => [
        allow.owner(),
        allow.groups(["ADMINS", "EDITORS"]).to(["read", "update", "delete"]),
        allow.publicApiKey().to(["read"]),
      ]),

    Tag: a.model({
      name: a.string().required(),
      posts: a.hasMany("PostTag", "tagId"),
    }),

    PostTag: a.model({
      postId: a.id().required(),
      tagId: a.id().required(),
      post: a.belongsTo("Post", "postId"),
      tag: a.belongsTo("Tag", "tagId"),
    }),

    publish: a
      .mutation()
      .arguments({ postId: a.id().required(), at: a.datetime() })
      .returns(a.ref("Post"))
      .authorization((allow) => [allow.group("EDITORS")])
      .handler(a.handler.custom({ dataSource: a.ref("Post"), entry: "./publish.js" })),

    onPublish: a
      .subscription()
      .for(a.ref("publish"))
      .authorization((allow) => [allow.authenticated(), allow.publicApiKey()])
      .handler(a.handler.custom({ entry: "./on-publish.js" })),
  })
  .authorization((allow) => [
    allow.groups(["ADMINS", "EDITORS"]),
    allow.publicApiKey().to(["read"]),
    allow.resource(digest).to(["query"]),
  ]);

export type Schema = ClientSchema<typeof schema>;

export const data = defineData({
  schema,
  authorizationModes: {
    defaultAuthorizationMode: "userPool",
    apiKeyAuthorizationMode: { expiresInDays: 30 },
  },
});
