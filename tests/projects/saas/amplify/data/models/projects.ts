import { a } from "@aws-amplify/backend";
import { inviteMember, usageReport } from "../functions/index";

export const projects = a
  .schema({
    Project: a
      .model({
        tenantGroup: a.string().required(),
        key: a.string().required(),
        name: a.string(),
        state: a.enum(["OPEN", "CLOSED"]),
        tasks: a.hasMany("Task", ["tenantGroup", "key"]),
      })
      .identifier(["tenantGroup", "key"])
      .authorization((allow) => [
        allow.groupDefinedIn("tenantGroup").to(["create", "read", "update"]),
        allow.group("PLATFORM_ADMINS"),
      ]),

    Task: a
      .model({
        tenantGroup: a.string().required(),
        key: a.string().required(),
        project: a.belongsTo("Project", ["tenantGroup", "key"]),
        title: a.string().required(),
        assignees: a.string().array(),
        estimate: a.customType({ hours: a.float().required(), by: a.date() }),
      })
      .authorization((allow) => [
        allow.ownersDefinedIn("assignees").to(["read", "update"]),
        allow.groupDefinedIn("tenantGroup"),
      ]),

    Announcement: a.model({ text: a.string().required(), until: a.datetime() }),

    invite: a
      .mutation()
      .arguments({ email: a.email().required(), group: a.string().required() })
      .returns(a.boolean())
      .handler(a.handler.function(inviteMember))
      .authorization((allow) => [allow.group("PLATFORM_ADMINS"), allow.authenticated("oidc")]),

    provision: a
      .mutation()
      .arguments({ user: a.json().required() })
      .returns(a.string())
      .handler(a.handler.function(inviteMember))
      .authorization((allow) => [allow.custom()]),

    usage: a
      .query()
      .returns(a.ref("Usage").array())
      .handler([a.handler.function(usageReport)])
      .authorization((allow) => [allow.groups(["PLATFORM_ADMINS", "SUPPORT"]), allow.group("Auditor", "oidc")]),

    Usage: a.customType({ tenant: a.string(), seats: a.integer() }),
  })
  .authorization((allow) => [
    allow.group("PLATFORM_ADMINS"),
    allow.authenticated().to(["read"]),
    allow.resource(usageReport).to(["query"]),
    allow.resource(inviteMember),
  ]);
