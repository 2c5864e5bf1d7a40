import { ConnectionStringError } from "./connection-error.ts";

/** The required role of the server. */
export type SessionRole = "primary" | "read-only" | "standby" | "prefer-standby";

/**
 * From target_session_attrs; undefined: any. `read-write` is treated as `primary`: the driver's own check of it accepts a hot
 * standby, on which every write fails. Throws ConnectionStringError.
 */
export function readSessionRole(text: string | undefined): SessionRole | undefined {
  switch (text) {
    case undefined:
    case "":
    case "any":
      return undefined;
    case "read-write":
    case "primary":
      return "primary";
    case "read-only":
    case "standby":
    case "prefer-standby":
      return text;
    default:
      throw new ConnectionStringError(
        "target_session_attrs must be any, read-write, primary, read-only, standby or prefer-standby",
      );
  }
}
