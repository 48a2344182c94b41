import { GROUPS, Role } from "@auth";

export const folders = { drafts: GROUPS.editors, reports: Role.Auditor } as const;
