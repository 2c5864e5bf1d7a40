/**
 * For tests that start programs or servers; Bun's own default is 5 s. It sets a default for one file at a time
 * (what a preload sets holds for the first file alone), so that each such file calls `setDefaultTimeout` with it.
 */
export const TEST_TIMEOUT_MS = 60_000;
