import { fileURLToPath } from "node:url";

/** Absolute path of the folder with the engine's migrations, for whatever migrator applies them. */
export const jobMigrationsDir: string = fileURLToPath(new URL("../migrations", import.meta.url));
