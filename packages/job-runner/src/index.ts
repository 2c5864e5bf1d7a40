export type { JobRunner, JobRunnerOptions } from "./job-runner.ts";
export { createJobRunner } from "./job-runner.ts";
export { jobMigrationsDir } from "./migrations-dir.ts";
