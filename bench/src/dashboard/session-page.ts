import { type Browser, chromium, type Page } from "playwright-core";
import { createClient } from "../../../packages/client/src/index.ts";
import { CHROMIUM } from "../../../packages/testkit/src/chromium.ts";
import { percentile, progress, rounded } from "../report.ts";
import { sized } from "../scale.ts";
import { ADMIN_KEY } from "../server.ts";
import type { Hub } from "./hub.ts";
import { longSession } from "./long-session.ts";

const MESSAGES = sized(50_000, 500);
const SESSION_ID = "5e55104e-0000-4000-8000-000000000001";
const PIECE_BYTES = 4_000_000;
const OPENED = sized(10, 1);
const SCROLLS = sized(300, 5);
/** Pages that are passed before one scrolls up again: more than the browser keeps. */
const PASSED_PAGES = sized(80, 2);
/** What a wheel turns in a frame when one scrolls fast. */
const SCROLL_PX = 150;
const POLL_MS = 200;

/** The page of a session of 50,000 messages in Chromium. Without a browser its figures are left out. */
export async function measureSessionPage(hub: Hub): Promise<Record<string, number>> {
  if (CHROMIUM === null) {
    progress("session page: not measured, as there is no Chromium");
    return {};
  }
  const url = `http://127.0.0.1:${hub.reader.port}`;
  await writeSession(url);
  await hub.sql`ANALYZE`;
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
  try {
    return { session_messages: MESSAGES, ...(await measurePage(browser, url)) };
  } finally {
    await browser.close();
  }
}

async function writeSession(url: string): Promise<void> {
  const client = createClient({ url, key: ADMIN_KEY });
  let lines = "";
  let sent = 0;
  const send = async () => {
    const bytes = new TextEncoder().encode(lines);
    await client.transcripts.append({
      ...{ session_id: SESSION_ID, agent: "claude-code", device_id: "bench", file: `${SESSION_ID}.jsonl` },
      ...{ workspace_id: "github.com/acme/long", kind: "main", offset: sent, bytes },
    });
    sent += bytes.length;
    lines = "";
  };
  for (const line of longSession(SESSION_ID, MESSAGES)) {
    lines += line;
    if (lines.length > PIECE_BYTES) await send();
  }
  await send();
  while ((await client.sessions.get(SESSION_ID)).parse_status !== "completed") await Bun.sleep(POLL_MS);
  progress(`session page: ${MESSAGES} messages parsed`);
}

async function measurePage(browser: Browser, url: string): Promise<Record<string, number>> {
  const context = await browser.newContext({ baseURL: url, viewport: { width: 1280, height: 800 } });
  await context.request.post("/api/sign-in", { data: { key: ADMIN_KEY }, headers: { origin: url } });
  const page = await context.newPage();
  const content_ms: number[] = [];
  for (let nth = 0; nth < OPENED; nth++) {
    await page.goto("/sessions?workspace_id=github.com/acme/long");
    const link = page.locator(`a[href*="${SESSION_ID}"]`).first();
    await link.waitFor();
    content_ms.push(
      await page.evaluate<number>(clickAndWait(`a[href*="${SESSION_ID}"]`, ".transcript .prompt")),
    );
  }
  // Down, pages are read while one scrolls; up again, nearly all that is passed is there, and much of it.
  const down_ms = await scroll(page, SCROLL_PX);
  await page.evaluate(passPages(PASSED_PAGES));
  const frames_ms = [...down_ms, ...(await scroll(page, -SCROLL_PX))];
  const find_ms: number[] = [];
  for (let nth = 0; nth < OPENED; nth++) {
    const input = page.getByRole("searchbox", { name: "Find in this session" });
    await input.fill("");
    const startedAt_ms = performance.now();
    const found = page.waitForResponse((response) => response.url().includes("/transcript/find"));
    await input.fill(`needle-${nth * 7}`);
    await found;
    await page.locator(".hits mark").first().waitFor();
    find_ms.push(performance.now() - startedAt_ms);
  }
  return {
    session_content_p50_ms: rounded(percentile(content_ms, 0.5)),
    session_content_max_ms: rounded(Math.max(...content_ms)),
    session_frame_p99_ms: rounded(percentile(frames_ms, 0.99)),
    session_frame_max_ms: rounded(Math.max(...frames_ms)),
    session_find_p50_ms: rounded(percentile(find_ms, 0.5)),
  };
}

/** In the page: from the click to the frame that shows the content. */
function clickAndWait(link: string, content: string): string {
  return `new Promise((resolve) => {
    const startedAt_ms = performance.now();
    document.querySelector(${JSON.stringify(link)}).click();
    const look = () => document.querySelector(${JSON.stringify(content)}) === null
      ? requestAnimationFrame(look)
      : resolve(performance.now() - startedAt_ms);
    look();
  })`;
}

/** In the page: goes to its end until so many pages were read. */
function passPages(pages: number): string {
  return `new Promise((resolve) => {
    const seen = new Set();
    const look = () => {
      const last = [...document.querySelectorAll(".messages")].at(-1);
      seen.add(last);
      if (seen.size >= ${pages}) return resolve();
      scrollTo(0, document.documentElement.scrollHeight);
      requestAnimationFrame(look);
    };
    look();
  })`;
}

/** The milliseconds of each frame while one scrolls through the transcript, so many pixels a frame. */
async function scroll(page: Page, pixels: number): Promise<number[]> {
  return await page.evaluate<number[]>(`new Promise((resolve) => {
    const frames_ms = [];
    let before_ms = performance.now();
    const step = (now_ms) => {
      frames_ms.push(now_ms - before_ms);
      before_ms = now_ms;
      scrollBy(0, ${pixels});
      if (frames_ms.length < ${SCROLLS}) requestAnimationFrame(step);
      else resolve(frames_ms.slice(1));
    };
    requestAnimationFrame(step);
  })`);
}
