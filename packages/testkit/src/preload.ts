import { afterAll } from "bun:test";
import { dropTemplates, RUN_VARIABLE } from "./template.ts";

// After the last file, but after each in a worker of `--parallel`: there the run that started it drops them.
if (process.env[RUN_VARIABLE] === undefined) afterAll(dropTemplates);
