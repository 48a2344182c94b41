export const readers = ["ADMINS", "EDITORS"];
readers.pop();

export const editors = ["EDITORS"];
const sameEditors = editors;
sameEditors.push("INTERNS");

export const staff = (allow, groups) => [allow.groups(groups)];

export let later = ["ADMINS"];

export function rulesFor(allow, model) {
  if (model === "Post") return [allow.owner()];
  return [allow.authenticated()];
}
