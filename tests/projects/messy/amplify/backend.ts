import { defineBackend } from "@aws-amplify/backend";
import { Policy, PolicyStatement } from "aws-cdk-lib/aws-iam";
import { auth } from "./auth/resource";
import { data } from "./data/resource";
import { exportsBucket, media, uploads } from "./storage/resource";
import { search } from "./search/resource";

const backend = defineBackend({ auth, data, media, uploads, exportsBucket, search, queue: makeQueue() });

// Decides nothing.
backend.addOutput({ custom: { region: "eu-central-1" } });

// Gives the editors more than any rule says.
backend.auth.resources.groups["EDITORS"].role.attachInlinePolicy(
  new Policy(backend.stack, "More", { statements: [new PolicyStatement({ actions: ["s3:*"], resources: ["*"] })] }),
);

// Turns the precedence round, perhaps.
backend.auth.resources.groups["EDITORS"].cfnUserGroup.precedence = Number(process.env.PRECEDENCE);

function makeQueue() {
  console.log("made when the project is built");
  return {};
}
