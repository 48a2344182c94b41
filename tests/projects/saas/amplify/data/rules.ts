/** What everybody of our own may see. */
export const platformReads = (allow) => [
  allow.group("PLATFORM_ADMINS"),
  allow.group("SUPPORT").to(["read"]),
];
