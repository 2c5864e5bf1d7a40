import { readHubUrl } from "../../profiles/hub-url.ts";
import type { Profile } from "../../profiles/profiles.ts";
import { createClient } from "../../sdk/create-client.ts";
import { HubError } from "../../sdk/hub-error.ts";

/** `fix`: what to do; null when there is nothing to do. */
export type Check = { name: string; status: "ok" | "warn" | "fail"; detail: string; fix: string | null };

const SKEW_WARN_MS = 60_000;
/** The hub refuses nothing, but notes events that are a day ahead. */
const SKEW_FAIL_MS = 86_400_000;

/** The hub's address, state and clock, and the keys of this profile. */
export async function checkHub(profile: Profile): Promise<Check[]> {
  const { url, insecure_http } = profile;
  const address = checkAddress(profile);
  if (address.status === "fail") return [address];
  const sentMs = Date.now();
  try {
    const response = await createClient({ url, key: null }).http.send("/api/health");
    const tookMs = Date.now() - sentMs;
    const hub: Check = { name: "hub", status: "ok", detail: `responds in ${tookMs} ms`, fix: null };
    return [
      address,
      hub,
      checkClock(response.headers.get("date"), sentMs + tookMs / 2),
      ...(await checkKeys(profile)),
    ];
  } catch (error) {
    const detail = error instanceof HubError ? error.message : String(error);
    const fix = `start the hub, or check the network: curl ${insecure_http ? "" : "-f "}${url}/api/health`;
    return [address, { name: "hub", status: "fail", detail, fix }];
  }
}

function checkAddress({ url, insecure_http }: Profile): Check {
  const read = readHubUrl(url, insecure_http);
  if ("problem" in read)
    return {
      name: "address",
      status: "fail",
      detail: read.problem,
      fix: "wharf connect with an https address",
    };
  if (insecure_http && url.startsWith("http:"))
    return {
      name: "address",
      status: "warn",
      detail: `${url} is plain HTTP (--insecure-http)`,
      fix: "serve the hub over https",
    };
  return { name: "address", status: "ok", detail: url, fix: null };
}

/** The Date header has whole seconds. */
function checkClock(date: string | null, nowMs: number): Check {
  if (date === null) return { name: "clock", status: "warn", detail: "the hub sent no date", fix: null };
  const skewMs = Math.round(nowMs - Date.parse(date) - 500);
  const detail = `${Math.abs(Math.round(skewMs / 1000))} s ${skewMs < 0 ? "behind" : "ahead of"} the hub`;
  const size = Math.abs(skewMs);
  const status = size > SKEW_FAIL_MS ? "fail" : size > SKEW_WARN_MS ? "warn" : "ok";
  return {
    name: "clock",
    status,
    detail,
    fix: status === "ok" ? null : "set the clock of this machine (NTP)",
  };
}

async function checkKeys({ url, keys, device }: Profile): Promise<Check[]> {
  const checks: Check[] = [];
  for (const scope of ["ingest", "read"] as const) {
    const name = `${scope} key`;
    const key = keys[scope] ?? keys.admin;
    const fix = `wharf connect ${url} CODE --replace`;
    if (key === undefined) {
      checks.push({ name, status: "warn", detail: "none", fix });
      continue;
    }
    const problem = await createClient({ url, key })
      .limits()
      .then(() => null)
      .catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
    const owner = scope === "ingest" && device !== null ? `of ${device.name}, accepted` : "accepted";
    checks.push(
      problem === null
        ? { name, status: "ok", detail: owner, fix: null }
        : { name, status: "fail", detail: problem, fix },
    );
  }
  return checks;
}
