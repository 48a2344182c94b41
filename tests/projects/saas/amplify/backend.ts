import { defineBackend } from "@aws-amplify/backend";
import { auth } from "./auth/resource.js";
import { preToken } from "./auth/pre-token/resource.js";
import { data } from "./data/resource.js";
import * as functions from "./data/functions/index.js";
import { documents } from "./storage/resource.js";

const backend = defineBackend({
  auth,
  data,
  documents,
  preToken,
  inviteMember: functions.inviteMember,
  usageReport: functions.usageReport,
});

backend.addOutput({ custom: { product: "example" } });
