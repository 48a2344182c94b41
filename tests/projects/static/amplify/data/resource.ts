import { a, defineData } from "@aws-amplify/backend";
import * as models from "./models";
import { chosen } from "./rules";

const REGIONS = ["Berlin", "Paris"];
const shared = { text: a.string(), ...(false && { secret: a.string() }) };

const schema = a.schema({
  ...models,
  ...Object.fromEntries(REGIONS.map((name) => [`Office${name}`, a.model(shared).authorization(chosen)])),
});

export const data = defineData({ schema });
