import { defineFunction } from "@aws-amplify/backend";

export const inviteMember = defineFunction({ entry: "./invite-member.ts" });
export const usageReport = defineFunction({ name: "usageReport", schedule: "0 6 * * ? *" });
export const scimAuthorizer = defineFunction({ name: "scimAuthorizer" });
