import { a } from "@aws-amplify/backend";
import { PLANS } from "../../shared/roles";
import { platformReads } from "../rules";

export const tenants = {
  Plan: a.enum([...PLANS]),

  Address: a.customType({
    street: a.string(),
    city: a.string().required(),
    country: a.string().required(),
  }),

  Tenant: a
    .model({
      tenantGroup: a.string().required(),
      name: a.string().required(),
      plan: a.ref("Plan").authorization((allow) => [
        allow.group("PLATFORM_ADMINS"),
        allow.groups(["SUPPORT"]).to(["read"]),
        allow.groupDefinedIn("tenantGroup").to(["read"]),
      ]),
      billing: a.ref("Address"),
      members: a.hasMany("Member", "tenantId"),
    })
    .disableOperations(["subscriptions"])
    .authorization((allow) => [...platformReads(allow), allow.groupDefinedIn("tenantGroup").to(["read", "update"])]),

  Member: a
    .model({
      tenantId: a.id().required(),
      tenant: a.belongsTo("Tenant", "tenantId"),
      tenantGroup: a.string().required(),
      email: a.email().required(),
      user: a.string(),
    })
    .authorization((allow) => [
      ...platformReads(allow),
      allow.groupDefinedIn("tenantGroup").to(["read"]),
      allow.ownerDefinedIn("user").identityClaim("sub").to(["read"]),
    ]),
};
