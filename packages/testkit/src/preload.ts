import { afterAll } from "bun:test";
import { dropTemplates } from "./template.ts";

// After the last file. A run that is killed leaves its templates: only a Postgres of the user's own keeps them.
afterAll(dropTemplates);
