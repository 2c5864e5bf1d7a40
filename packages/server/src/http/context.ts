/** What middleware hands to routes. */
export type AppEnv = { Variables: { requestId: string } };
