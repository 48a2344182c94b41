import { EDITORS, FIRST, GROUPS, LIST, Role, THIRD } from "../auth/resource";

const DRAFTS = false;
const READ = ["get", "list"];

/** A function with parts of a parameter, and defaults. */
export const staff =
  ({ readers, drafts } = { readers: [], drafts: DRAFTS }) =>
  (allow) => {
    const [admin] = LIST;
    if (drafts) {
      return [allow.group(admin), ...readers.map((name) => allow.group(name).to(READ))];
    }
    return [allow.group(admin), allow.group(GROUPS["editors"]).to(READ.concat("update"))];
  };

export const chosen = (allow) => [
  DRAFTS ? allow.publicApiKey() : allow.group(FIRST),
  ...(!DRAFTS ? [allow.group(THIRD)] : []),
  ...[EDITORS, DRAFTS && "NOBODY"].filter(Boolean).map((name) => allow.group(name).to(["read"])),
  allow.groups(LIST.slice().filter((name) => name === "none").concat(Object.values(Role)[0])).to([READ[0]]),
  allow.ownerDefinedIn(READ.includes("list") ? "author" : "owner"),
];
