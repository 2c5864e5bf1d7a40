import { beforeAll, expect } from "bun:test";
import type { Client } from "@wharf/client";
import { until } from "@wharf/testkit";
import type { Page } from "playwright-core";
import { accessibilityViolations, browserTest, expectCount } from "./browser.ts";
import { answer, hostileFile, prompt, SESSION_ID, said } from "./hostile-session.ts";
import { setupHub } from "./hub.ts";

const hub = setupHub();
const PATH = `/sessions/${SESSION_ID}`;
let client: Client;
let sent = 0;

beforeAll(async () => {
  client = hub.client();
  await append(hostileFile());
});

/** Resolves when the lines are parsed. */
async function append(text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  await client.transcripts.append({
    ...{ session_id: SESSION_ID, agent: "claude-code", device_id: "laptop" },
    ...{
      workspace_id: "github.com/ada/site",
      file: `${SESSION_ID}.jsonl`,
      kind: "main",
      offset: sent,
      bytes,
    },
  });
  sent += bytes.length;
  await until(async () => {
    const { statuses } = await client.sessions.status([SESSION_ID]);
    return statuses[SESSION_ID]?.parse_status === "completed";
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
  elements: document.querySelectorAll(".session :is(script, img, iframe, object, embed, form, style, link, svg a)").length,
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
  await page.locator(".fold .badge, p.fold").getByText("image").waitFor();

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
  await page.keyboard.press("Escape");
  await page.locator(".hits").waitFor({ state: "detached" });
  const around = new URL(page.url()).searchParams.get("around");
  await page.goto(`${PATH}?around=${around}`);
  await page.waitForURL(/density=full/);
  await page.locator(".found .output").waitFor();
  expect(errors).toEqual([]);
  await context.close();
});

browserTest("new messages wait behind a button, and follow at the end of the page", async () => {
  const { page, context } = await hub.open();
  await page.goto(PATH);
  await page.getByText("I see an image.").waitFor();
  await append(`${prompt("Asked meanwhile")}\n${answer("msg_5", said("Answered meanwhile."))}\n`);
  await page.getByRole("button", { name: "2 new messages" }).click();
  await page.locator(".transcript").getByText("Answered meanwhile.").waitFor();
  await page.evaluate("scrollTo(0, document.documentElement.scrollHeight)");
  await append(`${prompt("And again")}\n`);
  await page.locator(".transcript").getByText("And again").waitFor();
  await context.close();
});

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
  await page.getByText("A tombstone remains").waitFor();
  await page.getByRole("button", { name: "Delete the session" }).click();
  await page.waitForURL(/\/sessions$/);
  const error = await client.sessions.get(SESSION_ID).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ status: 404 });
  await context.close();
});
