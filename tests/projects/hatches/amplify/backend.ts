import { defineBackend } from "@aws-amplify/backend";
import * as iam from "aws-cdk-lib/aws-iam";
import { Bucket } from "aws-cdk-lib/aws-s3";
import { auth } from "./auth/resource";
import { files } from "./storage/resource";
import { report } from "./functions/report/resource";

const backend = defineBackend({ auth, files, report });
const { groups, unauthenticatedUserIamRole, cfnResources } = backend.auth.resources;
const stack = backend.createStack("custom");

// Known to decide nothing.
const { cfnUserPool, cfnUserPoolClient } = cfnResources;
cfnUserPool.policies = { passwordPolicy: { minimumLength: 12 } };
cfnUserPool.addPropertyOverride("Policies.PasswordPolicy.MinimumLength", 12);
cfnUserPoolClient.idTokenValidity = 1;
backend.files.resources.cfnResources.cfnBucket.accelerateConfiguration = { accelerationStatus: "Enabled" };
backend.report.addEnvironment("STAGE", "prod");
backend.addOutput({ custom: { region: stack.region } });
console.log("backend of the hatches");

// What a policy says too.
backend.auth.resources.groups["AUDITORS"].cfnUserGroup.precedence = 0;
groups["ADMINS"].cfnUserGroup.precedence = 1;
groups.EDITORS.cfnUserGroup.precedence = 2;
const athena = new iam.PolicyStatement({
  sid: "Athena",
  effect: iam.Effect.ALLOW,
  actions: ["athena:StartQueryExecution", "athena:GetQueryResults"],
  resources: ["arn:aws:athena:eu-central-1:123456789012:workgroup/reports"],
});
groups["AUDITORS"].role.addToPrincipalPolicy(athena);

groups.EDITORS.role.attachInlinePolicy(
  new iam.Policy(stack, "Translate", {
    statements: [new iam.PolicyStatement({ actions: ["translate:TranslateText"], resources: ["*"] })],
  }),
);

// What no policy says.
groups["EDITORS"].role.addToPrincipalPolicy(
  new iam.PolicyStatement({ effect: iam.Effect.DENY, actions: ["s3:*"], resources: ["*"] }),
);
unauthenticatedUserIamRole.addToPrincipalPolicy(
  new iam.PolicyStatement({ actions: ["cognito-idp:ListUsers"], resources: ["*"] }),
);
backend.report.resources.lambda.addToRolePolicy(
  new iam.PolicyStatement({ actions: ["ses:SendEmail"], resources: ["*"] }),
);
backend.files.resources.bucket.grantRead(backend.auth.resources.authenticatedUserIamRole);
cfnResources.cfnIdentityPool.allowUnauthenticatedIdentities = false;
const more = new Bucket(stack, "More");
const grant = more.grantRead(unauthenticatedUserIamRole);
for (const group of Object.values(groups)) {
  more.grantRead(group.role);
}
