/** Runs all of the work, one after the other, also after one of it has failed; then throws what failed. */
export async function eachInTurn(work: readonly (() => Promise<unknown>)[]): Promise<void> {
  const errors: unknown[] = [];
  for (const run of work) await run().catch((error: unknown) => errors.push(error));
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new AggregateError(errors, "Several parts of the job failed.");
}
