import { openProfiles, type Profile } from "../../profiles/profiles.ts";
import type { Io } from "../io.ts";
import type { Check } from "./check-hub.ts";

/** Whether this profile can send; nothing when it can. */
export async function checkEnrolment(io: Io, { name, url, device }: Profile): Promise<Check[]> {
  if (device !== null) return [];
  const enrolled = (await openProfiles(io.paths.config).list()).find((one) => one.device !== null);
  const state = `profile "${name}" has keys, but this machine is not enrolled at ${url}: it sends nothing there`;
  const detail = enrolled === undefined ? state : `${state}; it is enrolled by profile "${enrolled.name}"`;
  const fix = `wharf connect ${enrolled?.url ?? `${url} CODE`}`;
  return [{ name: "enrolment", status: "warn", detail, fix }];
}
