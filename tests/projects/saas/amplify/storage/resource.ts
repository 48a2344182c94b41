import { defineStorage } from "@aws-amplify/backend";
import { usageReport } from "../data/functions";
import { PLATFORM } from "../shared/roles";

const SHARED = "documents";

export const documents = defineStorage({
  name: "saasDocuments",
  versioned: true,
  access: (allow) => ({
    [`${SHARED}/*`]: [
      allow.authenticated.to(["read"]),
      allow.groups([...PLATFORM]).to(["read", "write", "delete"]),
    ],
    [`${SHARED}/reports/*`]: [
      allow.groups(["PLATFORM_ADMINS"]).to(["read"]),
      allow.resource(usageReport).to(["write"]),
    ],
    "home/{entity_id}/*": [allow.entity("identity").to(["read", "write", "delete"])],
  }),
});
