import { a, defineData } from "@aws-amplify/backend";
import { timestamps } from "@example/fields";
import { audit } from "./broken";
import { editors, later, readers, rulesFor, staff } from "./rules";
import { gone } from "./gone";

const isProduction = process.env.STAGE === "production";

const schema = a
  .schema({
    ...audit,
    ...gone,

    // Read as a whole.
    Fine: a.model({ text: a.string().default("none") }).authorization((allow) => staff(allow, ["ADMINS"])),

    // One rule of two.
    Half: a.model({ text: a.string() }).authorization((allow) => [
      allow.group("ADMINS"),
      allow.group(process.env.GROUP).to(["read"]),
      allow.everybody(),
      allow.owner().except(["delete"]),
      allow.owner().to(isProduction ? ["read"] : ["read", "update"]),
    ]),

    // No rule at all: the model must not take those of the schema.
    Computed: a.model({ text: a.string() }).authorization((allow) => rulesFor(allow, "Computed")),
    Conditional: a.model({ text: a.string() }).authorization(isProduction ? (allow) => [allow.owner()] : undefined),

    // Lists that are changed after their declaration.
    Popped: a.model({ text: a.string() }).authorization((allow) => [allow.owner(), allow.groups(readers)]),
    Pushed: a.model({ text: a.string() }).authorization((allow) => [allow.owner(), allow.groups(editors)]),
    Later: a.model({ text: a.string() }).authorization((allow) => [allow.owner(), allow.groups(later)]),

    // Fields that may have rules of their own.
    Spread: a.model({ text: a.string(), ...timestamps }).authorization((allow) => [allow.owner()]),
    Secret: a
      .model({ text: a.string().authorization((allow) => [allow.group(process.env.GROUP)]) })
      .authorization((allow) => [allow.owner()]),
    Encrypted: a.model({ text: a.string().encrypted() }).authorization((allow) => [allow.owner()]),
    Money: a.model({ amount: a.money() }).authorization((allow) => [allow.owner()]),

    // What a model may hold beside fields and rules.
    Keyed: a.model({ id: a.id() }).identifier(process.env.KEYS).authorization((allow) => [allow.owner()]),
    Versioned: a.model({ text: a.string() }).versioned().authorization((allow) => [allow.owner()]),

    // Relations to what is left out.
    Parent: a
      .model({ spread: a.hasMany("Spread", "parentId"), kind: a.ref("Kind") })
      .authorization((allow) => [allow.owner()]),

    // What Amplify takes and makes something else of.
    Quiet: a
      .model({
        size: a.customType({ width: a.float().authorization((allow) => [allow.owner()]) }),
        note: a.string().authorization(() => []),
        both: a.string().authorization((allow) => [
          allow.groups(["ADMINS", "EDITORS"]).to(["read", "update"]),
          allow.group("EDITORS").to(["read"]),
        ]),
      })
      .authorization((allow) => [
        allow.ownersDefinedIn("reviewers").to(["read"]),
        allow.groupDefinedIn("team").to(["read"]),
        allow.group("TYPO"),
        allow.group("authenticatedUserIamRole"),
        allow.owner().to([]),
      ]),
    Team: a
      .model({ text: a.string() })
      .authorization((allow) => [allow.groupDefinedIn("team").to(["get"]), allow.owner()]),
    Nobody: a.model({ text: a.string() }).authorization((allow) => [allow.owner().to([])]),

    "not-a-name": a.model({ text: a.string() }).authorization((allow) => [allow.owner()]),
    chat: a.conversation({ aiModel: a.ai.model("x"), systemPrompt: "" }).authorization((allow) => allow.owner()),

    // Operations.
    inherits: a.query().returns(a.string()).handler(a.handler.function("resolver")),
    computed: a
      .query()
      .returns(a.string())
      .handler(a.handler.function("resolver"))
      .authorization((allow) => rulesFor(allow, "computed")),
    onGone: a
      .subscription()
      .for(a.ref("gone"))
      .handler(a.handler.custom({ entry: "./x.js" }))
      .authorization((allow) => [allow.authenticated()]),

    Inherits: a.model({ text: a.string() }),
  })
  .authorization((allow) => [allow.owner(), allow.group("ADMINS"), allow.resource(notAFunction)]);

export const data = defineData({
  schema,
  authorizationModes: { defaultAuthorizationMode: process.env.MODE },
});
