import { defineBackend } from "@aws-amplify/backend";
import { auth } from "./auth/resource";
import { data } from "./data/resource";
import { digest } from "./functions/digest/resource";

defineBackend({
  auth,
  data,
  digest,
});
