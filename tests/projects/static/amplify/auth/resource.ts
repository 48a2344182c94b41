import { defineAuth } from "@aws-amplify/backend";

// Groups in every shape that projects give them.
export const LIST = ["ADMINS", "EDITORS", "WRITERS"] as const;
export const [FIRST, , THIRD] = LIST;
export const GROUPS = Object.freeze({ admins: LIST[0], editors: LIST.at(1), writers: LIST.at(-1) });
export const { admins, editors: EDITORS } = GROUPS;
export enum Role {
  Auditor = "AUDITORS",
  Reader = "READERS",
}
export const STAGES = ["eu", "us"];
export let region = "EU";

export const auth = defineAuth({
  loginWith: { email: true, phone: true },
  groups: [...LIST, ...Object.values(Role), ...STAGES.map((stage) => `TEAM_${stage.toUpperCase()}`)],
});
