import api from "@alexdicy/mongodb-data-api";

import { tasks } from "../tasks.mjs";
import { version as of } from "../version.mjs";

export const name = "@alexdicy/mongodb-data-api (npm)";
export const version = of("@alexdicy/mongodb-data-api");
export const run = (bridge) => tasks(api, bridge);
