import { beforeAll, expect, test } from "bun:test";
import { buildDashboard, type Dashboard } from "../served/index.ts";

const SCRIPT_BYTES_MAX = 50_000;
/** With the lexer of Markdown and the tokenizer of code, in the page of a session. */
const PAGE_SCRIPT_BYTES_MAX = 60_000;
const STYLE_BYTES_MAX = 12_000;

let built: Dashboard;
beforeAll(async () => {
  built = await buildDashboard();
});

/** The compressed bytes of the file and of every file that it imports at once. */
function bytesOf(name: string, counted = new Set<string>()): number {
  const asset = built.assets.get(name);
  if (asset === undefined || counted.has(name)) return 0;
  counted.add(name);
  const text = new TextDecoder().decode(asset.bytes);
  const imported = [...text.matchAll(/(?:import|from)\s*"\/assets\/([^"]+)"/g)].map(([, file = ""]) => file);
  return imported.reduce((sum, file) => sum + bytesOf(file, counted), asset.brotli.length);
}

function namesOf(pattern: RegExp): string[] {
  return [...built.assets.keys()].filter((name) => pattern.test(name));
}

const scriptOf = () => /src="\/assets\/([^"]+)"/.exec(built.html)?.[1] ?? "";

test("the document loads the script that renders the pages, and the style", () => {
  const script = built.assets.get(scriptOf());
  expect(new TextDecoder().decode(script?.bytes)).toContain('getElementById("app")');
  const style = /rel="stylesheet" href="\/assets\/([^"]+)"/.exec(built.html)?.[1] ?? "";
  expect(new TextDecoder().decode(built.assets.get(style)?.bytes)).toContain("color-scheme");
});

test("the first route needs little script and style", () => {
  const script = scriptOf();
  const [page = ""] = namesOf(/^now-page-.*\.js$/);
  const counted = new Set<string>();
  const bytes = bytesOf(script, counted) + bytesOf(page, counted);
  expect(bytes).toBeGreaterThan(1_000);
  expect(bytes).toBeLessThanOrEqual(SCRIPT_BYTES_MAX);
  const [style = ""] = namesOf(/^main-.*\.css$/);
  expect(bytesOf(style)).toBeLessThanOrEqual(STYLE_BYTES_MAX);
});

test("every file is named by its content, so that a browser may keep it", async () => {
  const again = await buildDashboard();
  expect([...again.assets.keys()].sort()).toEqual([...built.assets.keys()].sort());
  for (const name of namesOf(/^(?!icon)/)) expect(name).toMatch(/-[a-z0-9]{8}\.(js|css)$/);
});

test("no page's own script is large", () => {
  for (const name of namesOf(/-page-.*\.js$/)) {
    const size = built.assets.get(name)?.brotli.length ?? 0;
    expect([name, size > PAGE_SCRIPT_BYTES_MAX]).toEqual([name, false]);
  }
});

test("no page writes HTML, runs text as a script or loads from elsewhere", () => {
  const forbidden = /\.insertAdjacentHTML|document\.write|\beval\(|new Function\(/;
  for (const name of namesOf(/^(?!uPlot).*\.js$/)) {
    const text = new TextDecoder().decode(built.assets.get(name)?.bytes);
    expect([name, forbidden.exec(text)?.[0]]).toEqual([name, undefined]);
  }
});
