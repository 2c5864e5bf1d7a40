import { afterAll, beforeAll, describe, expect } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Client } from "@wharf/client";
import { LIVE_STATES, type LiveState } from "@wharf/protocol";
import { HIDDEN_CHARACTERS } from "@wharf/protocol/hidden-characters";
import { TEST_TIMEOUT_MS, until } from "@wharf/testkit";
import type { Page } from "playwright-core";
import { ADMIN_KEY } from "../../../server/src/__tests__/server-program.ts";
import {
  accessibilityViolations,
  browserTest,
  expectCount,
  expectValue,
  type OpenOptions,
  PHONE,
} from "./browser.ts";
import { setupHub } from "./hub.ts";
import {
  appendTranscript,
  commit,
  event,
  HASH,
  HOSTILE_ID,
  HOSTILE_PROMPT,
  loadLists,
  MANY,
  transcriptOf,
  UNPRICED_MODEL,
} from "./list-fixtures.ts";

/** Below the time limit of a test: at that, the browser is ended, too. */
const STEP_TIMEOUT_MS = TEST_TIMEOUT_MS / 3;

const hub = setupHub({ NODE_ENV: "development" });
let client: Client;

beforeAll(async () => {
  client = hub.client();
  await loadLists(client);
}, 2 * TEST_TIMEOUT_MS);

/** Between two reads of sums. */
const INTERVAL_MS = 3_000;
const LIST_ROUTE = /\/api\/sessions(?:\?|$)/;

async function send(...events: ReturnType<typeof event>[]): Promise<void> {
  expect((await client.events.send(events)).rejected).toBe(0);
}

async function reportIn(workspace_canonical_id: string, id: string): Promise<void> {
  const started_at = new Date().toISOString();
  await client.sessions.report({ id, workspace_canonical_id, device_id: "acme-desk", started_at });
}

/** A session of the hostile one's repository with one response, parsed. */
async function answer(session_id: string): Promise<void> {
  const lines = transcriptOf(session_id, "What does a pelican eat?", (minutes) =>
    new Date(Date.now() - minutes * 1_000).toISOString(),
  );
  await send(
    event("session.start", new Date().toISOString(), {
      cc_session_id: session_id,
      cwd: "/",
      source: "startup",
    }),
  );
  await appendTranscript(client, session_id, lines);
  await until(async () => (await client.sessions.get(session_id)).response_count === 1);
}

/** A page that may take a third of the test's time for each step. */
async function openList(path: string, options: Partial<OpenOptions> = {}) {
  const opened = await hub.open(options);
  opened.page.setDefaultTimeout(STEP_TIMEOUT_MS);
  await opened.page.goto(path);
  return opened;
}

function addressOf(page: Page): string {
  const { pathname, search } = new URL(page.url());
  return decodeURIComponent(pathname + search);
}

describe("sessions", () => {
  browserTest("controls and search box show the same filters, which are in the address", async () => {
    const { page, context, errors } = await openList("/sessions");
    await page.getByLabel("Device", { exact: true }).selectOption({ label: "Acme desk" });
    await page.waitForURL("**/sessions?device_id=acme-desk");
    const box = page.getByLabel("Search sessions");
    await expectValue(box, 'device:"Acme desk"');
    await page.getByLabel("Tag").selectOption("first");
    await page.waitForURL("**/sessions?device_id=acme-desk&tag=first");
    await page.locator(".session-row", { hasText: "Task 0" }).waitFor();
    await expectCount(page.locator(".session-row"), 1);
    await page.getByLabel("Repository", { exact: true }).selectOption({ label: "github.com/acme/many" });
    await page.waitForURL("**&workspace_id=*");
    const address = page.url();
    await expectValue(box, 'workspace:github.com/acme/many device:"Acme desk" tag:first');
    await box.press("Enter");
    await box.fill(`${await box.inputValue()} `);
    await page.locator(".session-row", { hasText: "Task 0" }).waitFor();
    expect(page.url()).toBe(address);
    await box.fill("agent:codex state:working,quiet");
    await page.waitForURL((address) => address.search === "?agent=codex&live_state=working%2Cidle");
    await box.fill("tag:none");
    await page.waitForURL("**/sessions?tag=none");
    await page.getByText("No session matches.").waitFor();
    await page.getByRole("button", { name: "Clear filters" }).click();
    await page.locator(".session-row").first().waitFor();
    await expectValue(box, "");
    expect(addressOf(page)).toBe("/sessions");
    await page.getByRole("button", { name: "By repository" }).click();
    await page.locator(".rows-group", { hasText: "birds" }).waitFor();
    expect(errors).toEqual([]);
    await context.close();
  });

  browserTest("the next page is loaded when the end comes near, and j and Enter open a row", async () => {
    const { page, context } = await openList("/sessions?workspace_id=github.com/acme/many");
    const rows = page.locator(".session-row");
    await rows.nth(49).scrollIntoViewIfNeeded();
    await rows.nth(MANY - 1).waitFor({ state: "attached" });
    await expectCount(rows, MANY);
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.waitForURL("**/sessions/many-1");
    await context.close();
  });

  browserTest("a session changes in place, and a new one waits until it is asked for", async () => {
    const { page, context } = await openList("/sessions?workspace_id=github.com/acme/birds");
    const row = page.locator(".session-row", { hasText: "Feed the pelican" });
    await row.waitFor();
    const at = new Date().toISOString();
    await send(event("agent.waiting", at, { session_id: HOSTILE_ID, reason: "permission" }));
    await row.getByText("needs you").waitFor();
    await send(event("session.start", at, { cc_session_id: "new-one", cwd: "/", source: "startup" }));
    await page.getByRole("button", { name: "Show 1 new session" }).click();
    await page.locator(".session-row", { hasText: "new-one" }).waitFor();
    await expectCount(page.locator(".session-row"), 2);
    await client.sessions.delete("new-one");
    await page.getByText("deleted").waitFor();
    await context.close();
  });

  browserTest("an error is shown with a way to retry", async () => {
    const { page, context } = await openList("/search");
    await context.route(LIST_ROUTE, (route) => route.abort());
    await page.goto("/sessions");
    await page.getByText("The hub does not respond.").waitFor();
    await context.unroute(LIST_ROUTE);
    await page.getByRole("button", { name: "Retry" }).click();
    await page.locator(".session-row").first().waitFor();
    await context.close();
  });
});

describe("search", () => {
  browserTest("works from every page by keys alone, and opens the message that was found", async () => {
    const { page, context, errors } = await openList("/usage");
    await page.locator("h1").waitFor();
    await page.keyboard.press("Control+k");
    await page.getByRole("searchbox", { name: "Search" }).waitFor();
    await page.keyboard.type("fed");
    await page.locator("mark", { hasText: "fed" }).first().waitFor();
    const result = page.locator(".result").first();
    expect(await result.textContent()).toContain(HOSTILE_PROMPT);
    await expectCount(page.locator(".result img"), 0);
    await page.keyboard.press("Enter");
    await page.locator(".result:focus").waitFor();
    await page.keyboard.press("Enter");
    await page.waitForURL(`**/sessions/${HOSTILE_ID}?**`);
    const { results } = await client.search({ q: "fed" });
    expect(new URL(page.url()).searchParams.get("around")).toBe(results[0]?.message_id ?? "no message");
    expect(errors).toEqual([]);
    await context.close();
  });

  browserTest(
    "offers filters, and states what to change when nothing is found or the query is wrong",
    async () => {
      const { page, context } = await openList("/search");
      const box = page.getByRole("searchbox", { name: "Search" });
      await box.fill("pelican dev");
      await page.getByRole("button", { name: "device:", exact: true }).click();
      await page.getByRole("button", { name: 'device:"Acme desk"' }).click();
      await page.getByText("No session matches.").waitFor();
      await page.getByRole("link", { name: "without filters" }).click();
      await page.locator(".result").first().waitFor();
      await expectValue(box, "pelican");
      await box.fill("is:pelican");
      await page.getByText("is:pelican is unknown.").waitFor();
      await context.close();
    },
  );
});

describe("usage", () => {
  browserTest("leads from a sum to its sessions, and offers the numbers as CSV", async () => {
    const { page, context, errors } = await openList("/usage?workspace_id=github.com/acme/birds");
    await page.getByText(`${UNPRICED_MODEL} (1)`).waitFor();
    expect(await page.getByText("of the input read from the cache").locator("..").textContent()).toContain(
      "90 %",
    );
    await page.locator(".u-wrap canvas").waitFor();
    const table = page.getByRole("region", { name: "By model" });
    const downloads = page.waitForEvent("download");
    await page.getByRole("button", { name: "Download CSV" }).nth(1).click();
    const download = await downloads;
    expect(download.suggestedFilename()).toBe("usage-by-model.csv");
    const csv = await Bun.file(await download.path()).text();
    expect(csv).toMatch(new RegExp(`^key,name,.*\r\n${UNPRICED_MODEL},,1,1,100,20,900,`));
    await table.getByRole("link", { name: UNPRICED_MODEL }).click();
    await page
      .getByRole("region", { name: "Sessions" })
      .getByRole("link", { name: "Feed the pelican" })
      .waitFor();
    await page.getByText(/^1 session, .*\+ within this selection\.$/).waitFor();
    expect(addressOf(page)).toContain(`model=${UNPRICED_MODEL}`);
    expect(errors).toEqual([]);
    await context.close();
  });
});

describe("timeline and repositories", () => {
  browserTest("git activity stands with its session, by day", async () => {
    const { page, context } = await openList("/timeline");
    await page.getByLabel("Repository", { exact: true }).selectOption({ label: "birds" });
    await page.locator(".git-line", { hasText: HASH.slice(0, 7) }).waitFor();
    await page.getByRole("button", { name: "Sessions", exact: true }).click();
    await page.waitForURL("**types=session");
    await page.locator(".session-row", { hasText: "Feed the pelican" }).waitFor();
    await context.close();
  });

  browserTest(
    "a repository shows its commits with their sessions, and its settings to an admin key",
    async () => {
      const { page, context } = await openList("/repositories");
      await page.locator(".repository-row", { hasText: "github.com/acme/birds" }).click();
      await page.getByRole("heading", { level: 1, name: "birds" }).waitFor();
      const commit = page.locator(".commit", { hasText: HASH.slice(0, 7) });
      await commit.getByText("possible", { exact: true }).waitFor();
      const session = commit.getByRole("link", { name: "Feed the pelican" });
      expect(await session.getAttribute("href")).toBe(`/sessions/${HOSTILE_ID}`);
      await page.getByText("replaced by markers").waitFor();
      const address = page.url();
      await context.close();
      const { key } = await client.keys.create({ scope: "read" });
      const reader = await openList(address, { key });
      await reader.page.getByText("need an admin key").waitFor();
      await reader.page.locator(".commit").first().waitFor();
      expect(reader.errors).toEqual([]);
      await reader.context.close();
    },
  );
});

browserTest("a commit in the timeline and in a session's facts leads to it in its repository", async () => {
  const { page, context, errors } = await openList("/timeline?types=commit");
  const hash = page.getByRole("link", { name: HASH.slice(0, 7), exact: true });
  await hash.first().click();
  await page.waitForURL(new RegExp(`/repositories/[^/]+\\?commit=${HASH}$`));
  const chosen = page.getByRole("region", { name: "Commit", exact: true });
  await chosen.locator(".commit-session", { hasText: "Feed the pelican" }).waitFor();
  const outside = chosen.getByRole("link", { name: "Open on github.com" });
  expect(await outside.getAttribute("href")).toBe(`https://github.com/acme/birds/commit/${HASH}`);
  expect(await accessibilityViolations(page)).toEqual([]);
  await chosen.getByRole("link", { name: "Close" }).click();
  await chosen.waitFor({ state: "detached" });

  await page.goto(`/sessions/${HOSTILE_ID}`);
  await page.locator(".session-facts").getByText("possible", { exact: true }).waitFor();
  await page.locator(".summary").getByText("0 commits", { exact: true }).waitFor();
  const own = commit(new Date().toISOString());
  await send({ ...own, session_id: HOSTILE_ID, data: { ...own.data, hash: "b".repeat(40) } });
  await page.locator(".session-facts").getByText("exact", { exact: true }).waitFor();
  await page.locator(".summary").getByText("1 commit", { exact: true }).waitFor();
  await page
    .locator(".session-facts")
    .getByRole("link", { name: HASH.slice(0, 7) })
    .click();
  await chosen.locator(".commit-session", { hasText: "Feed the pelican" }).waitFor();
  const [path] = page.url().split("?");
  await page.goto(`${path}?commit=${"0".repeat(40)}`);
  await chosen.getByText("The hub has no such commit of this repository.").waitFor();
  expect(errors).toEqual([]);
  await page.goto(`${path}?commit=javascript:alert(1)`);
  await chosen.getByText("must be 7 to 64 hexadecimal digits").waitFor();
  expect(await chosen.getByRole("link", { name: "Open on" }).getAttribute("href")).toStartWith(
    "https://github.com/",
  );
  await context.close();
});

describe("live", () => {
  browserTest(
    "repositories follow the hub in few reads, and keep their places under the pointer",
    async () => {
      const { page, context, errors } = await openList("/repositories");
      const rows = page.locator(".repository-row");
      await rows.first().waitFor();
      await rows.nth(1).hover();
      const shown = await rows.count();
      const held = await rows.first().textContent();
      let reads = 0;
      page.on("request", (request) => {
        if (/\/api\/workspaces(?:\?|$)/.test(request.url())) reads += 1;
      });
      const startedAt = Date.now();
      for (let n = 0; n < 10; n++) await reportIn("github.com/acme/fresh", `fresh-${n}`);
      await rows.nth(shown).getByText("10 sessions").waitFor();
      expect(await rows.first().textContent()).toBe(held);
      expect(reads).toBeLessThanOrEqual(2 + (Date.now() - startedAt) / INTERVAL_MS);
      await page.mouse.move(0, 0);
      await page.locator(".chunk li:first-child", { hasText: "github.com/acme/fresh" }).waitFor();
      await rows.first().click();
      await page.getByRole("heading", { level: 1, name: "fresh" }).waitFor();
      await page.getByText("No commits yet.").waitFor();
      const sessions = page.locator(".session-row");
      await sessions.first().hover();
      const latest = await sessions.first().getAttribute("href");
      await reportIn("github.com/acme/fresh", "fresh-10");
      await page.locator("li:last-child > .session-row[href='/sessions/fresh-10']").waitFor();
      expect(await sessions.first().getAttribute("href")).toBe(latest);
      await page.mouse.move(0, 0);
      await page.locator("li:first-child > .session-row[href='/sessions/fresh-10']").waitFor();
      await send({ ...commit(new Date().toISOString()), workspace_id: "github.com/acme/fresh" });
      await page.locator(".commit", { hasText: "Feed the pelican" }).waitFor();
      expect(errors).toEqual([]);
      await context.close();
    },
  );

  browserTest("ingest follows the hub, also in what it refuses, and states each clock", async () => {
    const { sql } = hub.database;
    await sql`INSERT INTO device_reports (device_id, reported_at, clock_skew_ms, facts) VALUES ('bird-box', now(), 180000, '{}')`;
    const { page, context, errors } = await openList("/ingest");
    await page.getByRole("row", { name: "3 min ahead" }).waitFor();
    await sql`DELETE FROM device_reports`;
    await page.getByText("No event was refused or flagged.").waitFor();
    await client.http.json("/api/events", { method: "POST", json: { events: [{ type: "pelican.fed" }] } });
    await page.locator(".note-row", { hasText: "rejected" }).waitFor();
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.locator(".note-row pre", { hasText: "pelican.fed" }).waitFor();
    await page.locator(".stat", { hasText: "refused" }).getByText("1", { exact: true }).waitFor();
    expect(errors).toEqual([]);
    await context.close();
  });

  browserTest("usage follows the hub, also after a stream that could not be opened", async () => {
    const { page, context } = await openList("/search");
    await context.route("**/api/live", (route) => route.abort());
    await page.goto("/usage?workspace_id=github.com/acme/birds");
    const responses = page.locator(".stat", { hasText: "responses" }).locator(".stat-value");
    await responses.getByText("1", { exact: true }).waitFor();
    await page.getByText("The connection to the hub is lost.").waitFor();
    await answer("second-answer");
    await context.unroute("**/api/live");
    await responses.getByText("2", { exact: true }).waitFor();
    await answer("third-answer");
    await responses.getByText("3", { exact: true }).waitFor();
    await page.getByRole("region", { name: "By model" }).getByRole("link", { name: UNPRICED_MODEL }).click();
    const sessions = page.getByRole("region", { name: "Sessions" }).getByRole("row");
    await expectCount(sessions, 4);
    await answer("fourth-answer");
    await expectCount(sessions, 5);
    await context.close();
  });
});

describe("words", () => {
  const WHARF = join(import.meta.dir, "../../../client/src/cli/main.ts");
  let home = "";
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), "wharf-words-"));
    await wharf(["connect", hub.url(), "--key", "-"], ADMIN_KEY);
  });
  afterAll(() => rm(home, { recursive: true, force: true }));

  /** The cells of the lines that the command prints in a pipe. */
  async function wharf(words: readonly string[], input = ""): Promise<string[][]> {
    const child = Bun.spawn([process.execPath, WHARF, ...words], {
      env: { HOME: home, PATH: process.env["PATH"] },
      stdin: new Blob([input]),
      stdout: "pipe",
    });
    const text = await new Response(child.stdout).text();
    expect(await child.exited).toBe(0);
    return text.split("\n").map((line) => line.split("\t"));
  }

  browserTest("pages and the command line name each state by the same word", async () => {
    const lifecycles = ["capturing", "archived", "failed"] as const;
    const states: (readonly [LiveState | null, string])[] = [
      ...LIVE_STATES.map((state) => [state, "capturing"] as const),
      ...lifecycles.map((one) => [null, one] as const),
    ];
    for (const [n, [state, lifecycle]] of states.entries())
      await hub.database.sql`
        UPDATE sessions SET live_state = ${state}, live_reason = 'question', live_since = now(), lifecycle = ${lifecycle}, ended_at = NULL
        WHERE id = ${`many-${n}`}`;
    const { page, context } = await openList("/sessions?workspace_id=github.com/acme/many");
    const printed = await wharf(["sessions", "--workspace", "github.com/acme/many", "--limit", "20"]);
    const { sessions } = await client.sessions.list({ workspace_id: "github.com/acme/many" });
    for (const [n, [state]] of states.entries()) {
      const word = printed.find(([id]) => id === `many-${n}`)?.[2] ?? "not printed";
      const row = page.locator(".session-row", { hasText: new RegExp(`Task ${n}(?!\\d)`) });
      if (word !== "ended") await row.getByText(word, { exact: true }).waitFor();
      expect(sessions.find(({ id }) => id === `many-${n}`)?.live_state ?? null).toBe(state);
      expect(word).not.toContain("_");
    }
    const open = await wharf(["now"]);
    expect(open[0]?.slice(0, 3)).toEqual(["needs you", expect.any(String), "asks a question"]);
    await page.getByLabel("Search sessions").fill('state:"needs you"');
    await page.waitForURL("**/sessions?live_state=needs_input");
    await hub.database.sql`
      UPDATE sessions SET live_state = 'working', transcript = transcript || '{"last_prompt": "And the puffins?"}' WHERE id = ${HOSTILE_ID}`;
    await page.goto("/");
    await page.locator(".live-row").first().getByText("needs you").waitFor();
    await page.locator(".live-row", { hasText: "Feed the pelican" }).getByText("And the puffins?").waitFor();
    await hub.database.sql`
      UPDATE sessions SET live_state = 'ended', lifecycle = 'ended', ended_at = started_at + interval '1 minute' WHERE id LIKE 'many-%'`;
    await context.close();
  });
});

describe("selected sessions", () => {
  const MANY_PATH = "/sessions?workspace_id=github.com/acme/many";

  browserTest("are chosen by keys and in ranges, exported, and deleted after a question", async () => {
    const { page, context, errors } = await openList(MANY_PATH);
    const bar = page.getByRole("region", { name: "Selected sessions" });
    const rows = page.locator(".session-row");
    await rows.first().waitFor();
    await page.keyboard.press("j");
    await page.keyboard.press("x");
    await bar.getByText("1 session selected").waitFor();
    await page.getByLabel("Select Task 3", { exact: true }).click({ modifiers: ["Shift"] });
    await bar.getByText("4 sessions selected").waitFor();
    // Keys work on, also from a check box.
    await page.keyboard.press("x");
    await bar.getByText("3 sessions selected").waitFor();
    expect(await accessibilityViolations(page)).toEqual([]);
    const downloads = page.waitForEvent("download");
    await bar.getByRole("link", { name: "JSON" }).click();
    const lines = (await Bun.file(await (await downloads).path()).text()).trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line).session.id)).toEqual(["many-0", "many-1", "many-2"]);
    await bar.getByRole("button", { name: "Delete 3 sessions" }).click();
    await page.getByText("The hub keeps only").waitFor();
    await page.getByRole("button", { name: "Cancel" }).click();
    await bar.getByRole("button", { name: "Delete 3 sessions" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete 3 sessions" }).click();
    await expectCount(page.getByText("deleted", { exact: true }), 3);
    await expectCount(bar, 0);
    expect(await client.sessions.count({ workspace_id: "github.com/acme/many" })).toMatchObject({
      sessions: MANY - 3,
    });
    expect(errors).toEqual([]);
    await context.close();
  });

  browserTest("are all that match the filter, and their number is confirmed", async () => {
    const { page, context } = await openList(MANY_PATH);
    const bar = page.getByRole("region", { name: "Selected sessions" });
    await page.locator(".session-row").first().waitFor();
    const deleteAll = async (count: number) => {
      await page.keyboard.press("X");
      await bar.getByRole("button", { name: "Select all that match" }).click();
      await bar.getByText(`${count} sessions selected: all that match`).waitFor();
      await bar.getByRole("button", { name: `Delete ${count} sessions` }).click();
    };
    const confirm = (count: number) =>
      page
        .getByRole("dialog")
        .getByRole("button", { name: `Delete ${count} sessions` })
        .click();
    const count = (await client.sessions.count({ workspace_id: "github.com/acme/many" })).sessions;
    await deleteAll(count);
    await reportIn("github.com/acme/many", "another");
    await confirm(count);
    await page.getByText(`${count + 1} sessions match, but ${count} were expected.`).waitFor();
    await page.keyboard.press("Escape");
    await expectCount(bar, 0);
    await deleteAll(count + 1);
    await page.getByText(/\d+ sessions? (is|are) open\./).waitFor();
    await confirm(count + 1);
    await until(
      async () => (await client.sessions.count({ workspace_id: "github.com/acme/many" })).sessions === 0,
    );
    await page.reload();
    await page.getByText("No session matches.").waitFor();
    await context.close();
  });

  browserTest("can be exported, but not deleted, with a read key", async () => {
    const { key } = await client.keys.create({ scope: "read" });
    const { page, context } = await openList("/sessions", { key });
    await page.locator(".session-row").first().waitFor();
    await page.keyboard.press("X");
    const bar = page.getByRole("region", { name: "Selected sessions" });
    await bar.getByRole("link", { name: "Markdown" }).waitFor();
    expect(await bar.getByRole("button", { name: /^Delete/ }).isDisabled()).toBe(true);
    await expectCount(bar.getByRole("button", { name: "Select all that match" }), 0);
    await context.close();
  });
});

describe("settings of a repository", () => {
  const BIRDS_PATH = "/repositories/github.com%2Facme%2Fbirds";

  browserTest("the retention is changed after it is shown what that deletes and when", async () => {
    await send(commit("2026-01-05T10:00:00Z"));
    await hub.database.sql`UPDATE events SET ingested_at = timestamp`;
    const { page, context, errors } = await openList(BIRDS_PATH);
    const dialog = page.getByRole("dialog", { name: "Retention" });
    await page.getByRole("button", { name: "Change the retention" }).click();
    await dialog.getByLabel("Events").fill("0");
    await dialog.getByRole("button", { name: "Show what this deletes" }).click();
    await dialog.locator("input:invalid").waitFor();
    await dialog.getByLabel("Transcripts").fill("400");
    await dialog.getByLabel("Events").fill("20");
    await dialog.getByRole("button", { name: "Show what this deletes" }).click();
    await dialog.getByText("now: 1 event").waitFor();
    await dialog.getByText(/The first deletion is at .*, then one each hour/).waitFor();
    expect(await accessibilityViolations(page)).toEqual([]);
    const { retention } = await client.workspaces.retention("github.com/acme/birds");
    expect(retention.events_days).toBeNull();
    await dialog.getByRole("button", { name: "Back" }).click();
    await expectValue(dialog.getByLabel("Transcripts"), "400");
    await dialog.getByRole("button", { name: "Show what this deletes" }).click();
    await dialog.getByRole("button", { name: "Save and delete" }).click();
    await page.getByText("deleted after 20 days", { exact: true }).waitFor();
    await page.getByText("Latest changes").click();
    await page
      .getByText(/transcripts deleted after 400 days, .* by the admin key of the server's environment/)
      .waitFor();
    expect(await client.workspaces.retention("github.com/acme/birds")).toMatchObject({
      retention: { raw_days: 400, parsed_days: null, events_days: 20 },
    });
    await page.goto("/storage");
    await page.getByText("Transcripts deleted after 400 days, Events deleted after 20 days").waitFor();
    await page.getByLabel("Change the retention of a repository").selectOption({ label: "birds" });
    await expectValue(dialog.getByLabel("Events"), "20");
    await context.route("**/retention?**", (route) => route.abort());
    await dialog.getByRole("button", { name: "Show what this deletes" }).click();
    await dialog.getByRole("alert").waitFor();
    expect(errors.filter((text) => !text.includes("net::ERR_FAILED"))).toEqual([]);
    await context.close();
  });

  browserTest(
    "secrets are kept after a question, replaced again, and searched for in what is held",
    async () => {
      const { page, context, errors } = await openList(BIRDS_PATH);
      await page.getByRole("button", { name: "Keep secrets" }).click();
      await page.getByText("are stored as they are").waitFor();
      await page.getByRole("button", { name: "Cancel" }).click();
      expect((await client.workspaces.redaction("github.com/acme/birds")).redaction).toBe("on");
      await page.getByRole("button", { name: "Keep secrets" }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Keep secrets" }).click();
      await page.getByText("kept as they are", { exact: true }).waitFor();
      const secret = `ghp_${"aB3dE5fG7h".repeat(4).slice(0, 36)}`;
      await send(event("agent.prompt", new Date().toISOString(), { session_id: HOSTILE_ID, text: secret }));
      await page.getByRole("button", { name: "Replace secrets" }).click();
      await page.getByText("replaced by markers", { exact: true }).waitFor();
      await page.getByRole("button", { name: "Search for secrets again" }).click();
      await page.getByText(/secrets? would be replaced in its \d+ sessions?: github/).waitFor();
      await page.getByRole("button", { name: "Search and replace" }).click();
      await page.getByText("A job searches what is held.").waitFor();
      expect((await client.jobs.list({ type: "redact-held" })).jobs.length).toBeGreaterThan(0);
      const { changes } = await client.workspaces.redaction("github.com/acme/birds");
      expect(changes.map(({ redaction }) => redaction)).toEqual(["on", "off"]);
      expect(errors).toEqual([]);
      await context.close();
    },
  );
});

const SHOWN: readonly [path: string, selector: string][] = [
  ["/sessions", ".session-row"],
  ["/search?q=pelican", ".result"],
  ["/usage", ".usage-name"],
  ["/usage?show=sessions", ".usage-name"],
  ["/timeline", ".git-line"],
  ["/repositories", ".repository-row"],
  ["/repositories/github.com%2Facme%2Fbirds", ".commit"],
  ["/devices", ".device-row"],
  ["/jobs", ".job-row"],
];
/** Texts of which a person sees a few letters at most. */
const CUT_TO_NOTHING = `[...document.querySelectorAll(".cut")]
  .filter((text) => text.checkVisibility() && text.clientWidth < Math.min(text.scrollWidth, 30))
  .map((text) => text.textContent)`;

for (const [path, selector] of SHOWN) {
  browserTest(`${path} with its content is accessible in both themes, and fits a narrow screen`, async () => {
    const { page, context, errors } = await openList(path, {
      theme: "dark",
      width: 390,
      options: PHONE,
    });
    await page.locator(selector).first().waitFor();
    expect(await accessibilityViolations(page)).toEqual([]);
    for (const width of [390, 768, 1101, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      expect([width, await page.evaluate("document.documentElement.scrollWidth")]).toEqual([width, width]);
      expect([width, await page.evaluate(CUT_TO_NOTHING)]).toEqual([width, []]);
    }
    await page.emulateMedia({ colorScheme: "light" });
    expect(await accessibilityViolations(page)).toEqual([]);
    expect(errors).toEqual([]);
    await context.close();
  });
}

browserTest("a model without a price is named until it has one", async () => {
  const { page, context, errors } = await openList("/prices");
  const warning = page.locator(".note", { hasText: UNPRICED_MODEL });
  await warning.getByRole("button", { name: "Add its price" }).click();
  await page.getByLabel("Provider").fill("acme");
  await page.getByLabel("Input").fill("1.5");
  await page.getByLabel("Output").fill("6");
  await page.getByLabel("Cache read").fill("0.1");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("The price is saved").waitFor();
  await client.http.json("/api/jobs", { method: "POST", json: { type: "reprice-responses", input: {} } });
  await warning.waitFor({ state: "detached" });
  expect(errors).toEqual([]);
  await context.close();
});

browserTest("a hub without sessions leads to its setup", async () => {
  const { page, context } = await openList("/search");
  await context.route(LIST_ROUTE, (route) =>
    route.fulfill({ json: { sessions: [], next_cursor: null, has_more: false } }),
  );
  await page.goto("/sessions");
  await page.getByRole("link", { name: "Connect a machine" }).click();
  await page.waitForURL("**/setup");
  await context.close();
});

browserTest(
  "names with hidden characters show them on every page, also in tooltips and the title of the window",
  async () => {
    const hostile = "user\u202egpj.exe\u200b\u0007";
    const { sql } = hub.database;
    await sql`UPDATE sessions SET title = ${hostile}, git_branch = ${hostile}, tags = ${[hostile]}`;
    await sql`UPDATE devices SET name = id || ${hostile}, hostname = ${hostile}`;
    await sql`UPDATE workspaces SET display_name = canonical_id || ${hostile}`;
    await sql`UPDATE git_activity SET message = ${hostile}, branch = ${hostile}`;
    await client.keys.create({ scope: "read", name: "grafana" });
    await sql`UPDATE api_keys SET name = ${hostile}`;
    const { page, context, errors } = await openList("/");
    for (const [path, content] of [
      ["/", ".finished-row"],
      ["/sessions", ".session-row"],
      [`/sessions/${HOSTILE_ID}`, "h1"],
      ["/search?q=pelican", ".result"],
      ["/usage?show=sessions", ".usage-name"],
      ["/timeline", ".git-line"],
      ["/repositories", ".repository-row"],
      ["/repositories/github.com%2Facme%2Fbirds", ".commit"],
      ["/devices", ".device-row"],
      ["/devices/bird-box", "h1"],
      // What the agent deletes next, by its session.
      ["/devices/bird-box", `.plain a[href="/sessions/${HOSTILE_ID}"]`],
      ["/keys", ".key-row"],
    ] as const) {
      await page.evaluate(`navigation.navigate(${JSON.stringify(path)})`);
      await page.locator(content, { hasText: "userU+202Egpj.exeU+200BU+0007" }).first().waitFor();
      expect([path, await hiddenTexts(page)]).toEqual([path, []]);
    }
    await page.goto(`/sessions/${HOSTILE_ID}`);
    await page.locator("h1 .hidden-character").first().waitFor();
    expect(await page.title()).toBe("user[U+202E]gpj.exe[U+200B][U+0007] · Wharf");
    expect(errors).toEqual([]);
    await context.close();
  },
);

/** Texts and attributes that hide something. */
async function hiddenTexts(page: Page): Promise<string[]> {
  return await page.evaluate(`(() => {
    const found = document.evaluate("//body//text() | //@title | //@aria-label | //@placeholder", document, null, 7);
    const nodes = Array.from({ length: found.snapshotLength }, (_, n) => found.snapshotItem(n).nodeValue);
    return [document.title, ...nodes].filter((text) => /[${HIDDEN_CHARACTERS}]/u.test(text));
  })()`);
}
