import api from "mongodb-data-api";

import { tasks } from "../tasks.mjs";
import { version as of } from "../version.mjs";

export const name = "mongodb-data-api (npm)";
export const version = of("mongodb-data-api");
export const run = (bridge) => tasks(api, bridge);
