import type { Connection } from "../connection.ts";

/** Sends a statement of a transaction. */
export type Query = Connection["query"];
