import { beforeAll, expect } from "bun:test";
import type { Append, Client } from "@wharf/client";
import { until } from "@wharf/testkit";
import type { Page, Route } from "playwright-core";
import { counted } from "../web/format/numbers.ts";
import { BRANCHED_ID, branchedFiles } from "./branched-session.ts";
import { accessibilityViolations, browserTest, expectCount } from "./browser.ts";
import { called, createRecorder, image, said } from "./claude-records.ts";
import { hostileFile, SESSION_ID } from "./hostile-session.ts";
import { setupHub } from "./hub.ts";
import { commit, event } from "./list-fixtures.ts";

const hub = setupHub();
const PATH = `/sessions/${SESSION_ID}`;
const { prompt, answer, ...recorder } = createRecorder(SESSION_ID);
let client: Client;

beforeAll(async () => {
  client = hub.client();
  await append(hostileFile({ prompt, answer, ...recorder }));
});

const sent = new Map<string, number>();

/** Resolves when the lines are parsed. */
async function append(
  text: string,
  session_id = SESSION_ID,
  file: Pick<Append, "file" | "kind"> = { file: `${session_id}.jsonl`, kind: "main" },
): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  const offset = sent.get(file.file) ?? 0;
  await client.transcripts.append({
    ...{ session_id, agent: "claude-code", device_id: "laptop", workspace_id: "github.com/ada/site" },
    ...{ ...file, offset, bytes },
  });
  sent.set(file.file, offset + bytes.length);
  await until(async () => {
    const { statuses } = await client.sessions.status([session_id]);
    return statuses[session_id]?.parse_status === "completed";
  });
}

browserTest("a hostile transcript runs nothing, loads nothing and hides nothing", async () => {
  const { page, context, errors } = await hub.open();
  const elsewhere: string[] = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(hub.url())) elsewhere.push(request.url());
  });
  for (const density of ["story", "steps", "full"]) {
    await page.goto(`${PATH}?density=${density}`);
    await page.locator(".transcript .prompt").first().waitFor();
    await unfold(page);
  }
  const found = await page.evaluate<Found>(FIND);
  expect(found.canary).toBe(0);
  expect(found.elements).toBe(0);
  expect(found.handlers).toEqual([]);
  expect(elsewhere).toEqual([]);
  expect([...new Set(found.links.map(({ href }) => href))].sort()).toEqual([
    "https://example.com/page",
    "mailto:ada@example.com",
  ]);
  expect(found.links.every(({ rel }) => rel.includes("noopener"))).toBe(true);
  for (const shown of ["<script>", "U+202E", "U+200B", "redacted: assigned-secret", "image: remote"])
    expect(found.text).toContain(shown);
  expect(found.text).not.toContain("\u202e");
  expect(found.text).not.toContain("\u001b");
  expect(await page.locator(".output .ansi-1").first().textContent()).toBe("red");
  expect(errors).toEqual([]);
  await context.close();
});

type Found = {
  canary: number;
  elements: number;
  handlers: string[];
  links: { href: string; rel: string }[];
  text: string;
};

const FIND = `({
  canary: window.canary ?? 0,
  elements: document.querySelectorAll(".session :is(script, img:not([src^='/api/sessions/']), iframe, object, embed, form, style, link, svg a)").length,
  handlers: [...document.querySelectorAll(".session *")].flatMap((element) =>
    element.getAttributeNames().filter((name) => name.startsWith("on"))),
  links: [...document.querySelectorAll(".prose a")].map(({ href, rel }) => ({ href, rel })),
  text: document.querySelector(".transcript").textContent,
})`;

const CLICK_ALL = `for (const button of document.querySelectorAll(".session-middle button.rest"))
  if (!button.textContent.includes("less")) button.click()`;

/** Opens every fold and every text that is cut, as often as others appear within. */
async function unfold(page: Page): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    await page.evaluate(
      `for (const fold of document.querySelectorAll(".session-middle details")) fold.open = true`,
    );
    await page.locator(".session-middle .skeleton").first().waitFor({ state: "detached" });
    await page.evaluate(CLICK_ALL);
    await page.locator(".session-middle button.rest:disabled").first().waitFor({ state: "detached" });
  }
}

browserTest("a session shows what was asked, done and answered, and moves by keys", async () => {
  const { page, context, errors } = await hub.open();
  await page.goto(PATH);
  const summary = page.locator(".summary");
  await summary.getByText("The last answer.").waitFor();
  for (const text of ["Look at this", "1 file", "+40", "1 command"])
    expect(await summary.textContent()).toContain(text);
  const outline = page.getByRole("navigation", { name: "Prompts", exact: true });
  await expectCount(outline.locator("button"), 3);
  expect(await outline.textContent()).toContain("20 min idle");
  await expectCount(page.locator(".parallel .step"), 2);
  // A path that is too long shows the name of its file.
  const path = page.locator(".step .path", { hasText: "long.txt" });
  const [shown, whole] = [await path.boundingBox(), await path.locator("bdi").boundingBox()];
  expect(whole?.width ?? 0).toBeGreaterThan(shown?.width ?? Number.POSITIVE_INFINITY);
  expect(whole?.x ?? 0).toBeLessThan(shown?.x ?? 0);

  await page.keyboard.press("1");
  await page.waitForURL(/density=story/);
  await page.getByText("I see an image.").waitFor();
  await expectCount(page.locator(".step"), 0);
  await page.keyboard.press("3");
  const edit = page.locator(".step", { hasText: "Edit" });
  await edit.locator(".diff .added").first().waitFor();
  await expectCount(edit.locator(".diff .added"), 11);
  await edit.getByRole("button", { name: "+29 lines" }).click();
  await expectCount(edit.locator(".diff .added"), 40);
  await page.getByText("Image (image/png) is not shown. Its bytes are damaged.").waitFor();

  await page.keyboard.press("J");
  await page.waitForURL(/around=/);
  await outline.locator("[aria-current]").waitFor();
  await page.keyboard.press("d");
  await page.locator(".file .diff .added").first().waitFor();
  await page.keyboard.press("2");
  await page.locator(".step").first().waitFor();
  await page.locator(".step summary").first().focus();
  await page.keyboard.press(".");
  await page.locator(".step[open] .output").waitFor();
  expect(errors).toEqual([]);
  await context.close();
});

/** Of one pixel. */
const GIF = "R0lGODlhAQABAIAAAP8AAP///yH5BAAAAAAALAAAAAABAAEAAAICRAEAOw==";

browserTest(
  "images of prompts and of results are shown, and one that cannot be shown states why",
  async () => {
    const session = "2f9f0b5e-3a55-4a0e-8d53-cc1f0e3f2a77";
    const { prompt, answer, result } = createRecorder(session);
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" onload="window.canary = 1"/>');
    const remote = { type: "image", source: { type: "url", url: "https://tracker.invalid/a.png" } };
    const screenshot = [said("A screenshot"), image("image/png", GIF), image("image/gif", GIF)];
    await append(
      [
        prompt([said("What is this?"), image("image/gif", GIF)]),
        prompt([image("image/png", svg.toString("base64")), remote]),
        answer("msg_1", called("call_1", "mcp__browser__screenshot", { page: "home" })),
        result("call_1", screenshot),
        answer("msg_2", said("A red pixel.")),
      ].join(""),
      session,
    );
    const { page, context, errors } = await hub.open();
    await page.goto(`/sessions/${session}?density=steps`);
    const shown = page.getByRole("img", { name: "Image (image/gif)" });
    await until(() => page.evaluate<boolean>("document.querySelector('.images img')?.naturalWidth === 1"));
    await page
      .getByText("Image (image/png) is not shown. These bytes are not a PNG, JPEG, GIF or WebP")
      .waitFor();
    await page.getByText("An image (image) is not shown: the transcript only names it").waitFor();
    // The browser's console has the refused image, and the request for its reason.
    expect(errors).toEqual([expect.stringContaining("422"), expect.stringContaining("422")]);

    await page.locator(".step summary").click();
    await page.getByRole("img", { name: "Image 2 of 2 from the result (image/gif)" }).waitFor();
    const [full] = await Promise.all([context.waitForEvent("page"), shown.click()]);
    await full.waitForLoadState();
    expect(await full.evaluate("[document.images.length, document.images[0].naturalWidth, origin]")).toEqual([
      1,
      1,
      "null",
    ]);
    await full.close();

    await context.route("**/images/*", (route) => route.abort());
    await page.reload();
    const failed = page.locator(".images p", { hasText: "Image (image/gif) is not shown" });
    await failed.getByText("is not reachable").waitFor();
    await context.unroute("**/images/*");
    await failed.getByRole("button", { name: "Retry" }).click();
    await shown.waitFor();
    await context.close();
  },
);

browserTest("what was rewound or compacted is folded, and a subagent unfolds in its place", async () => {
  for (const { text, ...file } of branchedFiles()) await append(text, BRANCHED_ID, file);
  const { page, context, errors } = await hub.open();
  await page.goto(`/sessions/${BRANCHED_ID}?density=steps`);
  const transcript = page.locator(".session-middle > .transcript");
  /** The texts that are shown, in their order. */
  const expectTexts = (...texts: string[]) =>
    until(
      async () => {
        const shown = (await transcript.textContent()) ?? "";
        const places = texts.map((text) => shown.indexOf(text));
        return places.every((place, index) => place > (places[index - 1] ?? -1));
      },
      { describe: async () => `${texts.join(" … ")} in ${await transcript.textContent()}` },
    );
  await expectTexts(
    "Sort the list",
    "2 rewound messages",
    "By date",
    "Context compacted",
    "Review it",
    "reviewer",
    "found nothing",
  );
  for (const hidden of ["It is sorted by name.", "The summary: a list", "sort --check"])
    expect(await transcript.getByText(hidden).filter({ visible: true }).count()).toBe(0);

  const rewound = transcript.locator("details.fold", { hasText: "2 rewound messages" });
  await rewound.locator("summary").click();
  await rewound.getByText("It is sorted by name.").waitFor();
  await rewound.locator(".prompt", { hasText: "By name" }).waitFor();
  await rewound.locator("> summary").click();
  await rewound.getByText("It is sorted by name.").waitFor({ state: "hidden" });

  const compaction = transcript.locator("details.compaction");
  await expectCount(compaction, 1);
  await compaction.locator("summary").click();
  await compaction.locator("strong", { hasText: "sorted by date" }).waitFor();

  const card = transcript.locator("details.subagent");
  await card.locator("> summary", { hasText: "Review the order" }).click();
  await card.locator(".prompt", { hasText: "Check the order" }).waitFor();
  await card.locator(".step", { hasText: "sort --check list.txt" }).locator("summary").click();
  await card.locator(".output", { hasText: "the list is in order" }).waitFor();
  await expectTexts("reviewer", "Check the order", "sort --check", "Every line is behind", "found nothing");

  const outline = page.getByRole("navigation", { name: "Prompts", exact: true });
  await outline.getByRole("button", { name: /^By name.*rewound$/ }).click();
  await transcript.locator("details.fold[open] .prompt", { hasText: "By name" }).waitFor();
  await page.keyboard.press("1");
  await page.waitForURL(/density=story/);
  await expectTexts("Sort the list", "By name or by date?", "By date", "Context compacted", "found nothing");
  await expectCount(rewound, 0);

  await page.keyboard.press("f");
  await page.keyboard.type("Every line is behind");
  await page.locator(".hits mark").first().waitFor();
  await page.keyboard.press("Enter");
  await page.getByText("These are messages of a subagent.").waitFor();
  await expectTexts("Check the order", "Every line is behind");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Show the session" }).click();
  await expectTexts("Sort the list", "By date", "found nothing");
  expect(errors).toEqual([]);
  await context.close();
});

browserTest("find goes to a message in a density that shows it, and an address opens at one", async () => {
  const { page, context, errors } = await hub.open();
  await page.goto(PATH);
  await page.locator(".transcript").waitFor();
  await page.keyboard.press("f");
  await page.keyboard.type("cleared");
  await page.locator(".hits mark").getByText("cleared").waitFor();
  await page.keyboard.press("Enter");
  await page.waitForURL(/density=full/);
  await page.locator(".found .output").waitFor();
  // Only one message has it: the next one is the same again.
  await page.locator(".found").waitFor({ state: "detached" });
  await page.keyboard.press("Enter");
  await page.locator(".hits").getByText("1 of 1 message").waitFor();
  await page.locator(".found .output").waitFor();
  await until(
    async () => {
      const [found, hits] = await Promise.all(
        [".found", ".hits"].map((of) => page.locator(of).boundingBox()),
      );
      return (
        found !== null &&
        hits !== null &&
        found !== undefined &&
        hits !== undefined &&
        found.y >= hits.y + hits.height
      );
    },
    { describe: "the message below the list of found ones" },
  );
  await page.keyboard.press("Escape");
  await page.locator(".hits").waitFor({ state: "detached" });
  const around = new URL(page.url()).searchParams.get("around");
  await page.goto(`${PATH}?around=${around}`);
  await page.waitForURL(/density=full/);
  await page.locator(".found .output").waitFor();
  expect(errors).toEqual([]);
  await context.close();
});

browserTest(
  "a cost without some prices names the model that has none, also where it is summed up",
  async () => {
    const session = "c2c5a1b2-9a0e-4c57-8a35-6f0f3c1e7d43";
    const { prompt, answer } = createRecorder(session);
    const unpriced = answer("m2", said("Two.")).replace("claude-opus-5", "claude-unheard-of");
    await append(prompt("Count") + answer("m1", said("One.")) + unpriced, session);
    const { page, context } = await hub.open();
    await page.goto(`/sessions/${session}`);
    await page.locator(".summary").getByText("and more: claude-unheard-of has no price").waitFor();
    // The recorder's day is before the first price of the model, which the hub takes for it.
    await page
      .locator(".tokens", { hasText: "claude-opus-5" })
      .getByText(/^Price from/)
      .waitFor();
    for (const path of ["/devices", "/repositories"]) {
      await page.goto(path);
      await page.getByTitle("Some responses have no price: the cost is higher.").waitFor();
    }
    await context.close();
  },
);

browserTest("a long transcript keeps 60 pages, and leads to a prompt that is on none of them", async () => {
  const session = "b1c5a1b2-9a0e-4c57-8a35-6f0f3c1e7d42";
  const { prompt, answer } = createRecorder(session);
  const turns = Array.from({ length: 35 }, (_, nth) => [
    prompt(`Task ${nth}`),
    answer(`m${nth}`, said(`Did ${nth}.`)),
  ]);
  await append(turns.flat().join(""), session);
  const { page, context } = await hub.open();
  await context.route("**/transcript?*limit=30*", (route) =>
    route.continue({ url: route.request().url().replace("limit=30", "limit=1") }),
  );
  await page.goto(`/sessions/${session}`);
  const transcript = page.locator(".transcript");
  await transcript.getByText("Task 0", { exact: true }).waitFor();
  await until(async () => {
    await page.evaluate("scrollTo(0, document.documentElement.scrollHeight)");
    return await transcript.getByText("Did 34.").isVisible();
  });
  await expectCount(transcript.locator(".messages"), 60);
  await expectCount(transcript.getByText("Task 0", { exact: true }), 0);

  const outline = page.getByRole("navigation", { name: "Prompts", exact: true });
  for (const task of ["Task 0", "Task 34"]) {
    await outline.getByText(task, { exact: true }).click();
    await page.locator(".found").getByText(task, { exact: true }).waitFor();
  }
  expect(page.url()).not.toContain("density");
  await context.close();
});

browserTest("lists of a session state that more pages follow, and show them", async () => {
  const session = "d3d5a1b2-9a0e-4c57-8a35-6f0f3c1e7d44";
  const { prompt, answer, result } = createRecorder(session);
  const calls = Array.from({ length: 15 }, (_, nth) => {
    const input = { file_path: `/src/${nth}.ts`, content: "one\n" };
    return [answer(`w${nth}`, called(`write_${nth}`, "Write", input)), result(`write_${nth}`, "written")];
  });
  await append([prompt("Write them"), ...calls.flat()].join(""), session);
  const now = new Date().toISOString();
  const ofSession = { device_id: "laptop", workspace_id: "github.com/ada/site", session_id: session };
  const start = { cc_session_id: session, cwd: "/src", source: "startup" };
  const { rejected } = await client.events.send([
    ...[1, 2].map(() => ({ ...event("session.start", now, start), ...ofSession })),
    ...["a", "b"].map((digit) => {
      const { data, ...sent } = commit(now);
      return { ...sent, ...ofSession, data: { ...data, hash: digit.repeat(40) } };
    }),
  ]);
  expect(rejected).toBe(0);

  const { page, context, errors } = await hub.open();
  const cut = (url: string, from: string, to: string) =>
    context.route(url, (route) => route.continue({ url: route.request().url().replace(from, to) }));
  await cut("**/files?limit=200*", "limit=200", "limit=14");
  await cut("**/events?limit=100*", "limit=100", "limit=3");
  await cut("**/git?limit=200*", "limit=200", "limit=1");
  await page.goto(`/sessions/${session}`);
  const facts = page.getByRole("complementary", { name: "Facts" });
  const files = facts.locator(".file-line", { hasText: "src/" });
  const more = facts.getByRole("button", { name: "Show more" });

  await page.locator(".summary").getByText("1+ commits").waitFor();
  await more.click();
  await page.locator(".summary").getByText("2 commits").waitFor();
  await expectCount(facts.getByText("Feed the pelican"), 2);
  await expectCount(more, 0);

  await facts.getByRole("button", { name: "2+ more" }).click();
  await expectCount(files, 14);
  await more.click();
  await expectCount(files, 15);
  await expectCount(more, 0);

  await facts.getByText("Events of this session").click();
  const events = facts.locator("details[open] li");
  await expectCount(events, 3);
  await more.click();
  await expectCount(events, 4);
  await expectCount(more, 0);
  expect(errors).toEqual([]);
  await context.close();
});

browserTest("new messages wait behind a button, and follow at the end of the page", async () => {
  const { page, context } = await hub.open();
  await page.goto(PATH);
  await page.getByText("I see an image.").waitFor();
  await append(prompt("Asked meanwhile") + answer("msg_5", said("Answered meanwhile.")));
  await page.getByRole("button", { name: "2 new messages" }).click();
  await page.locator(".transcript").getByText("Answered meanwhile.").waitFor();
  await page.evaluate("scrollTo(0, document.documentElement.scrollHeight)");
  await append(prompt("And again"));
  await page.locator(".transcript").getByText("And again").waitFor();
  await context.close();
});

browserTest("a slow read of a session is finished before changes begin another", async () => {
  const { page, context } = await hub.open();
  await page.goto(PATH);
  await page.getByText("I see an image.").waitFor();
  const held: Route[] = [];
  const isDetail = new RegExp(`/api${PATH}$`);
  await context.route(isDetail, (route) => void held.push(route));
  for (const nth of [1, 2]) {
    await append(prompt(`Told while it is read: ${nth}`));
    await page.getByRole("button", { name: counted(nth, "new message") }).waitFor();
  }
  await until(() => held.length > 0);
  expect(held.length).toBe(1);
  // What changed meanwhile is read behind it, once.
  await held[0]?.continue();
  await until(() => held.length > 1);
  expect(held.length).toBe(2);
  await context.close();
});

/** Of the window, once the page has rendered. */
const TOP_OF_BAR = `new Promise(requestAnimationFrame).then(() => new Promise(requestAnimationFrame)).then(() =>
  document.querySelector(".session-bar").getBoundingClientRect().top)`;

for (const theme of ["light", "dark"] as const)
  browserTest(
    `a session in ${theme} has no accessibility violation, and no horizontal scrolling at 390 px`,
    async () => {
      const { page, context } = await hub.open({ theme });
      await page.goto(`${PATH}?density=full`);
      await page.locator(".tokens").waitFor();
      await page.locator(".transcript .diff").waitFor();
      expect(await accessibilityViolations(page)).toEqual([]);
      await page.setViewportSize({ width: 390, height: 800 });
      expect(await page.evaluate<number>("document.documentElement.scrollWidth")).toBe(390);
      // The outline stands above the transcript, and follows what is read without moving the page.
      await page.evaluate(`document.querySelector(".transcript .prompt").scrollIntoView()`);
      await page.locator(".outline [aria-current]").waitFor();
      expect(await page.evaluate<number>(TOP_OF_BAR)).toBe(45);
      await context.close();
    },
  );

browserTest("an error can be retried, and the page of an unknown session names the causes", async () => {
  const { page, context } = await hub.open();
  await context.route("**/transcript?*", (route) => route.abort());
  await page.goto(PATH);
  await page.locator(".session-middle").getByText("The hub does not respond.").waitFor();
  await context.unroute("**/transcript?*");
  await page.locator(".session-middle").getByRole("button", { name: "Retry" }).click();
  await page.locator(".transcript .prompt").first().waitFor();
  await page.goto("/sessions/no-such-session");
  await page.getByText("This hub has no session with this id.").waitFor();
  await context.close();
});

browserTest("a session is deleted once one has read what remains of it", async () => {
  const { page, context } = await hub.open();
  await page.goto(PATH);
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByText("The hub keeps only").waitFor();
  await page.getByRole("button", { name: "Delete the session" }).click();
  await page.waitForURL(/\/sessions$/);
  const error = await client.sessions.get(SESSION_ID).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ status: 404 });
  await context.close();
});
