import { afterAll, jest } from "bun:test";
import { dropTemplates } from "./template.ts";

/** Bun's own 5 s is too short for tests that start programs. */
const TEST_TIMEOUT_MS = 60_000;

jest.setTimeout(TEST_TIMEOUT_MS);

// After the last file. A run that is killed leaves its templates: only a Postgres of the user's own keeps them.
afterAll(dropTemplates);
