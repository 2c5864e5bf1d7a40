import { HubError } from "../sdk/hub-error.ts";
import { CliError, EXIT } from "./cli-error.ts";

/** For `.catch` of a request with --workspace: names the workspace that the hub does not know. */
export function explainWorkspace(named: string | undefined) {
  return (error: unknown): never => {
    if (named !== undefined && error instanceof HubError && error.code === "REFERENCE_UNKNOWN")
      throw new CliError(`No workspace "${named}". See: wharf workspaces`, EXIT.failed, "WORKSPACE_UNKNOWN");
    throw error;
  };
}
