import { a } from "@aws-amplify/backend";
import { staff } from "../rules";

export const Note = a.model({ text: a.string() }).authorization(staff());
export const Page = a.model({ text: a.string() }).authorization(staff({ readers: ["READERS"], drafts: true }));
