import { a, defineData, type ClientSchema } from "@aws-amplify/backend";
import { schema as generatedSqlSchema } from "./schema.sql";

const sqlSchema = generatedSqlSchema
  .renameModels(() => [["event_row", "Event"]])
  .setRelationships((models) => [
    models.Event.relationships({ guests: a.hasMany("guest", "event_id") }),
    models.guest.relationships({ event: a.belongsTo("Event", "event_id") }),
  ])
  .setAuthorization((models, schema) => [
    schema.authorization((allow) => allow.authenticated().to(["read"])),
    models.Event.authorization((allow) => [allow.owner(), allow.group("ORGANIZERS"), allow.publicApiKey().to(["read"])]),
    models.Event.fields.budget.authorization((allow) => [allow.owner(), allow.group("ORGANIZERS")]),
  ])
  .addToSchema({
    eventsNear: a
      .query()
      .arguments({ city: a.string().required() })
      .returns(a.ref("Event").array())
      .handler(a.handler.inlineSql("SELECT * FROM event_row WHERE city = :city"))
      .authorization((allow) => [allow.guest(), allow.authenticated("identityPool"), allow.group("ORGANIZERS", "oidc")]),
  });

const assistant = a
  .schema({
    Recipe: a.customType({ name: a.string(), steps: a.string().array() }),
    invitation: a
      .generation({ aiModel: a.ai.model("Claude 3.5 Haiku"), systemPrompt: "You write invitations." })
      .arguments({ about: a.string() })
      .returns(a.ref("Recipe"))
      .authorization((allow) => allow.authenticated()),
    slogan: a
      .generation({ aiModel: a.ai.model("Claude 3.5 Haiku"), systemPrompt: "You write slogans." })
      .arguments({ about: a.string() })
      .returns(a.string()),
    planner: a
      .conversation({
        aiModel: a.ai.model("Claude 3.5 Haiku"),
        systemPrompt: "You plan events.",
        tools: [a.ai.dataTool({ name: "events", description: "", model: a.ref("Event"), modelOperation: "list" })],
      })
      .authorization((allow) => allow.owner()),
    remind: a
      .mutation()
      .arguments({ event: a.id() })
      .handler(a.handler.function("remind").async())
      .authorization((allow) => [allow.group("ORGANIZERS")]),
  })
  .authorization((allow) => [allow.owner(), allow.group("ORGANIZERS")]);

const combined = a.combine([sqlSchema, assistant]);
export type Schema = ClientSchema<typeof combined>;

export const data = defineData({
  schema: combined,
  authorizationModes: {
    defaultAuthorizationMode: "userPool",
    apiKeyAuthorizationMode: { expiresInDays: 30 },
    oidcAuthorizationMode: { oidcProviderName: "idp", oidcIssuerUrl: "https://idp.example.com" },
  },
});
