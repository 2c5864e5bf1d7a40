import { fileURLToPath } from "node:url";

/** Absolute path of the folder with the engine's migrations, for other migration tools. */
export const jobMigrationsDir: string = fileURLToPath(new URL("../migrations", import.meta.url));
