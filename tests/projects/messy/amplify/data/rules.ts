export const readers = ["ADMINS", "EDITORS"];
readers.pop();

export const editors = ["EDITORS"];
const sameEditors = editors;
sameEditors.push("INTERNS");

export const staff = (allow, groups) => [allow.groups(groups)];

export let later = ["ADMINS"];

export function relax() {
  later = ["EDITORS"];
}

export function rulesFor(allow, model) {
  const rules = [];
  for (const name of later) {
    if (name !== model) rules.push(allow.group(name));
  }
  return rules;
}
