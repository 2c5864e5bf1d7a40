import { html, raw } from "hono/html";
import { COUNT_MAX, type HubCounts } from "../db/reads/hub-counts.ts";
import type { Phase } from "../readiness.ts";
import { VERSION } from "../version.ts";
import { PAGE_STYLE } from "./html-page.ts";

export type HomeFacts = {
  /** The origin of the request, such as http://localhost:4318. */
  origin: string;
  phase: Phase;
  isDatabaseAvailable: boolean;
  /** Null where they are not shown or the database is unavailable. */
  counts: HubCounts | null;
};

const PHASES: Record<Phase, string> = {
  starting: "starting: migrations are being applied",
  ready: "ready",
  draining: "shutting down",
};
const PHASES_WITHOUT_DATABASE: Record<Phase, string> = {
  starting: "starting: waiting for the database",
  ready: "the database is unavailable",
  draining: "shutting down",
};

/** The page at `/`, without scripts: state, counts, how to connect a device, links. */
export function homePage({ origin, phase, isDatabaseAvailable, counts }: HomeFacts): string {
  const state = (isDatabaseAvailable ? PHASES : PHASES_WITHOUT_DATABASE)[phase];
  const page = html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Wharf</title><style>${raw(PAGE_STYLE)}</style></head>
<body>
<h1>Wharf</h1>
<p class="note">Version ${VERSION} · ${state}</p>
<main>
${counts === null ? "" : countsTable(counts)}
<h2>Connect a device</h2>
<p>1. Create an enrolment code with the admin key. A code works once, for ten minutes. The server prints at its start where its admin key is; with the embedded database, set it by <code>WHARF_ADMIN_KEY=$(cat .wharf/admin-key)</code> first.</p>
<pre tabindex="0">curl -sS -X POST ${origin}/api/devices/enrolment-codes \\
  -H "Authorization: Bearer $WHARF_ADMIN_KEY" -H 'Content-Type: application/json' -d '{}'</pre>
<p>2. On the device, exchange the code for a key of its own. The response shows the key this once.</p>
<pre tabindex="0">curl -sS ${origin}/api/devices/enrol \\
  -H 'Content-Type: application/json' -d '{"code":"CODE","name":"laptop"}'</pre>
<p>3. Send events with that key. Each event has an id of its own, a ULID that the device makes; sending an event again is safe.</p>
<pre tabindex="0">curl -sS ${origin}/api/events \\
  -H "Authorization: Bearer $WHARF_KEY" -H 'Content-Type: application/json' \\
  -d '{"events":[{"id":"ULID","type":"session.start","timestamp":"2026-01-31T12:00:00Z","device_id":"DEVICE ID",
       "workspace_id":"git@github.com:me/project.git","session_id":"SESSION","data":{"cc_session_id":"SESSION","cwd":"/home/me/project","source":"startup"}}]}'</pre>
<h2>More</h2>
<p><a href="/docs">API reference</a> · <a href="/api/openapi.json">OpenAPI document</a> · <a href="/api/health">Health</a></p>
</main>
</body>
</html>`;
  return String(page);
}

function countsTable(counts: HubCounts) {
  const rows = Object.entries(counts).map(
    ([name, count]) => html`<tr><th scope="row">${name}</th><td>${countText(count)}</td></tr>`,
  );
  return html`<h2>Stored</h2><table><tbody>${rows}</tbody></table>`;
}

function countText(count: number): string {
  return count > COUNT_MAX ? `more than ${COUNT_MAX}` : String(count);
}
