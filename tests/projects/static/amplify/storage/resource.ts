import { defineStorage } from "@aws-amplify/backend";
import { folders } from "@shared/folders";

export const storage = defineStorage({
  name: ["files", "v1"].join("-"),
  access: (allow) => ({
    ...Object.fromEntries(
      Object.entries(folders).map(([folder, group]) => [
        `${folder}/*`,
        [allow.groups([group]).to(["read", "write"])],
      ]),
    ),
  }),
});
