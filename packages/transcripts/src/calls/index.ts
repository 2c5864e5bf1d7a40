// For browsers: without what needs Node.
export type { JsonValue } from "../lines/json.ts";
export { changeOfCall } from "./change-of-call.ts";
export { describeCall } from "./describe-call.ts";
