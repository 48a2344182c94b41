import { defineStorage } from "@aws-amplify/backend";

const FOLDER = process.env.FOLDER;

// A path that may lie below any other one.
export const uploads = defineStorage({
  name: "uploads",
  access: (allow) => ({
    "all/*": [allow.authenticated.to(["read", "write"])],
    [`${FOLDER}/*`]: [allow.groups(["ADMINS"]).to(["read"])],
  }),
});

export const media = defineStorage({
  name: "media",
  access: (allow) => ({
    "open/*": [allow.guest.to(["read"])],
    // Its rules would hold below, where nothing could be read.
    "albums/*": [allow.authenticated.to(["read"])],
    "albums/private/*": [allow.groups([process.env.GROUP]).to(["read"])],
    // No rules, an entity without its folder, groups without a known place.
    "open/empty/*": [],
    "shared/*": [allow.entity("identity").to(["read", "write"]), allow.authenticated.to(["get", "delete"])],
    "groups/*": [allow.groups(["ADMINS", "LATER"]).to(["read"]), allow.groups([]).to(["read"])],
    "people/{entity_id}/*": [allow.entity("user").to(["read"]), allow.entity("identity").to(["read"])],
  }),
  lifecycle: {},
});

export const exportsBucket = defineStorage({ name: `exports-${process.env.STAGE}` });

// Written, and not part of the backend.
export const forgotten = defineStorage({
  name: "forgotten",
  access: (allow) => ({ "x/*": [allow.guest.to(["read"])] }),
});
