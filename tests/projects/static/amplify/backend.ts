import * as amplify from "@aws-amplify/backend";
import { auth } from "./auth/resource";
import { data } from "./data/resource";
import { storage } from "./storage/resource";

amplify.defineBackend({ auth, data, storage });
