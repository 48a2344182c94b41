export const audit = {
  Audit: a.model({ text: a.string() ).authorization((allow) => [allow.owner()]),
};
