import { expect } from "bun:test";
import { until } from "@wharf/testkit";
import { ADMIN_KEY } from "../../../server/src/__tests__/server-program.ts";
import { accessibilityViolations, browserTest, expectCount, PHONE } from "./browser.ts";
import { setupHub } from "./hub.ts";

const hub = setupHub();
const { client, database } = hub;

browserTest(
  "a new hub leads from the first page to the first machine, and the step turns done by itself",
  async () => {
    const { page, errors } = await hub.open();
    await page.goto("/");
    await page.getByRole("link", { name: "Connect the first machine" }).click();
    await page.getByRole("button", { name: "Create the line to paste" }).click();
    const line = await page.locator("pre", { hasText: "/install.sh | sh -s -- " }).textContent();
    expect(line ?? "").toStartWith(`curl -fsS ${hub.url()}/install.sh | sh -s -- `);
    await expectVisible(page.getByRole("img", { name: "The line to paste, as a QR code" }));
    await expectVisible(page.getByText("it works on the machine of the hub only"));

    const code = line?.split(" ").at(-1) ?? "";
    await client(null).devices.enrol({ code, name: "first-laptop" });
    await expectVisible(page.locator("li.done", { hasText: "A machine has joined" }));

    await page.getByRole("link", { name: "Devices" }).click();
    await page.getByRole("link", { name: "first-laptop" }).click();
    await expectVisible(page.getByRole("heading", { name: "first-laptop" }));
    await page.getByRole("button", { name: "Rename" }).click();
    await page.getByLabel("Name", { exact: true }).fill("renamed-laptop");
    await page.getByRole("button", { name: "Save" }).click();
    await expectVisible(page.getByRole("heading", { name: "renamed-laptop" }));
    await expectVisible(page.getByText("online", { exact: true }));
    await database.sql`UPDATE devices SET last_seen_at = now() - interval '6 minutes'`;
    await page.reload();
    await expectVisible(page.getByText("offline", { exact: true }));
    await page.getByRole("button", { name: "Remove" }).click();
    await page.getByRole("button", { name: "Remove the device" }).click();
    await expectVisible(page.getByText("renamed-laptop is removed."));
    expect((await client().devices.list()).devices).toEqual([]);
    expect(errors).toEqual([]);
  },
);

browserTest("a key is created and shown once, and revoked after a question", async () => {
  const { page, errors } = await hub.open();
  await page.goto("/keys");
  await page.getByRole("button", { name: "Create a key" }).click();
  await page.getByLabel("Name", { exact: true }).fill("grafana");
  await page.getByRole("button", { name: "Create", exact: true }).click();
  const key = await page.locator("dialog pre").textContent();
  expect(key).toMatch(/^wharf_read_/);
  await client(key).sessions.list();
  await page.locator("dialog").getByRole("button", { name: "Copy" }).click();
  // In front of the dialog, and in it for a screen reader: all else is inert. The browser may refuse to copy.
  for (const place of [page.locator(".toasts:popover-open"), page.locator("dialog").getByRole("status")])
    await expectVisible(place.getByText(/Copied|Clipboard/));
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Revoke grafana" }).click();
  await page.getByRole("button", { name: "Revoke the key" }).click();
  await expectVisible(page.getByText("grafana is revoked."));
  await page.reload();
  await expectVisible(page.getByText(/^grafana \(read\) was revoked by the admin key of the server/));
  await client().keys.create({ scope: "read", name: "prometheus" });
  await page.reload();
  await page.getByRole("button", { name: "Rotate prometheus" }).click();
  await page.getByRole("button", { name: "Rotate the key" }).click();
  await page.getByRole("dialog", { name: "The new key" }).waitFor();
  await expectVisible(page.locator(".key-row", { hasText: /expires in 2[34] h/ }));
  const refused = await client(key)
    .sessions.list()
    .catch((error: unknown) => error);
  expect(refused).toMatchObject({ status: 401 });
  expect(errors).toEqual([]);
});

browserTest("a price that is added here is used by the hub", async () => {
  const { page } = await hub.open();
  await page.goto("/prices");
  await page.getByRole("button", { name: "Add a price" }).click();
  await page.getByLabel("Model").last().fill("house-model");
  await page.getByLabel("Provider").fill("acme");
  await page.getByLabel("Input").fill("1.5");
  await page.getByLabel("Output").fill("6");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByLabel("Model").first().fill("house-model");
  await expectVisible(page.getByRole("row", { name: /house-model.*1\.5.*6/ }));
});

browserTest(
  "a queue is paused and resumed, and a job that completes appears and shows its attempts",
  async () => {
    const [{ page, errors }, other] = [await hub.open(), await hub.open()];
    const enqueue = () =>
      client().http.json("/api/jobs", { method: "POST", json: { type: "prune", input: {} } });
    await enqueue();
    await other.page.goto("/jobs");
    await expectVisible(other.page.getByText("no job waits for a worker"));
    await page.goto("/jobs");
    await page.getByText("Queues").click();
    const queue = page.getByRole("row", { name: /summaries/ });
    await queue.getByRole("button", { name: "Pause" }).click();
    await expectVisible(queue.getByText("paused"));
    await expectVisible(other.page.getByText("summaries paused"));
    expect((await client().jobs.queues()).find(({ name }) => name === "summaries")?.paused_at).not.toBeNull();
    await queue.getByRole("button", { name: "Resume" }).click();
    await expectVisible(queue.getByRole("button", { name: "Pause" }));
    await expectVisible(other.page.getByText("no job waits for a worker"));
    await other.context.close();
    // What the hub does by the clock is shown on demand alone.
    const jobs = page.getByRole("region", { name: "Jobs" });
    await expectVisible(page.getByText("No job matches.").or(jobs));
    expect(await page.getByRole("link", { name: /prune/ }).count()).toBe(0);
    await page.getByRole("button", { name: "Housekeeping" }).click();
    await page.waitForURL("**/jobs?queue=recurring");
    await expectVisible(page.getByRole("heading", { name: "Schedules" }));
    await page
      .getByRole("navigation", { name: "States" })
      .getByRole("link", { name: /^completed/ })
      .click();
    const prunes = jobs.getByRole("link", { name: /prune/ });
    await prunes.first().waitFor();
    const shown = await prunes.count();
    // It appears without a reload, and moves no row under the pointer.
    await prunes.first().hover();
    const pointedAt = await prunes.first().getAttribute("href");
    await enqueue();
    await prunes.nth(shown).waitFor();
    expect(await prunes.first().getAttribute("href")).toBe(pointedAt);
    await page.mouse.move(0, 0);
    await until(async () => (await prunes.first().getAttribute("href")) !== pointedAt);
    await prunes.first().click();
    await expectVisible(page.getByRole("heading", { name: "Attempts" }));
    expect(errors).toEqual([]);
  },
);

browserTest(
  "a job states why it does not run, and all that match are cancelled and retried once their number is confirmed",
  async () => {
    const { page, context, errors } = await hub.open();
    const later = { type: "prune", input: {}, delay_ms: 60 * 60_000 };
    for (let n = 0; n < 3; n++) await client().http.json("/api/jobs", { method: "POST", json: later });
    const address = "/jobs?queue=recurring&type=prune&status=";
    await page.goto(`${address}scheduled`);
    await page.getByRole("region", { name: "Jobs" }).getByRole("link", { name: /prune/ }).first().click();
    await expectVisible(page.getByText("Why it does not run: It is not due until"));
    await page.getByRole("button", { name: "Cancel", exact: true }).click();
    await page.getByRole("button", { name: "Retry", exact: true }).click();
    await expectVisible(page.locator("h1", { hasText: "completed" }));

    for (const [state, name] of [
      ["scheduled", "Cancel all 2 jobs"],
      ["cancelled", "Retry all 2 jobs"],
    ] as const) {
      await page.goto(`${address}${state}`);
      await page.getByRole("button", { name }).click();
      const dialog = page.getByRole("dialog", { name: `${name}?` });
      await expectVisible(dialog.getByText(`all 2 jobs in state ${state} that match`));
      await dialog.getByRole("button", { name }).click();
      await expectVisible(page.getByText("No job matches."));
    }
    await context.route("**/api/jobs/counts?*", (route) =>
      route.fulfill({ json: { counts: { scheduled: { count: 10_000, is_capped: true } } } }),
    );
    await page.goto(`${address}scheduled`);
    await expectVisible(page.getByRole("button", { name: "Cancel all 10,000+ jobs" }));
    expect(errors).toEqual([]);
  },
);

browserTest("a read key sees the pages and no control that changes something", async () => {
  const { key } = await client().keys.create({ scope: "read", name: "viewer" });
  const { page, errors } = await hub.open({ key });
  for (const [path, content, control] of [
    ["/jobs", "no job waits for a worker", "Pause"],
    ["/keys", "Keys are shown to admin keys only.", "Create a key"],
    ["/prices", "claude-opus-5", "Add a price"],
    ["/setup", "Only the admin key creates codes.", "Create the line to paste"],
  ] as const) {
    await page.goto(path);
    await expectVisible(page.getByText(content).first());
    expect([path, await page.getByRole("button", { name: control }).count()]).toEqual([path, 0]);
  }
  expect(errors).toEqual([]);
});

browserTest("an error of the hub is shown with its reason, and a retry loads the page", async () => {
  const { page, context } = await hub.open();
  await context.route("**/api/devices*", (route) => route.abort());
  await page.goto("/devices");
  await expectVisible(page.getByRole("alert"));
  await context.unroute("**/api/devices*");
  await page.getByRole("button", { name: "Retry" }).click();
  await expectVisible(page.getByText("No machine is connected yet."));
});

browserTest("a page that fails on a response states it, and other pages open", async () => {
  const { page, context } = await hub.open();
  await context.route("**/api/devices*", (route) => route.fulfill({ json: { devices: [{ id: "odd" }] } }));
  await page.goto("/devices");
  await expectVisible(page.getByRole("alert"));
  await page.getByRole("link", { name: "Storage" }).click();
  await expectVisible(page.getByRole("heading", { name: "Tables" }));
  await expectCount(page.getByRole("alert"), 0);
  await page.getByRole("link", { name: "Devices" }).click();
  await expectVisible(page.getByRole("alert"));
  await context.unroute("**/api/devices*");
  await page.reload();
  await expectVisible(page.getByText("No machine is connected yet."));
});

browserTest("pages state a lost connection, and catch up when the hub is back", async () => {
  const { page } = await hub.open();
  await page.goto("/devices");
  await expectVisible(page.getByText("No machine is connected yet."));
  await hub.stop();
  await expectVisible(page.getByText("The connection to the hub is lost."));
  await hub.restart();
  const { code } = await client().devices.createCode();
  await client(null).devices.enrol({ code, name: "after-restart" });
  await expectVisible(page.getByRole("link", { name: "after-restart" }));
  await expectCount(page.getByText("The connection to the hub is lost."), 0);

  // A page whose response failed meanwhile, and which no change would read again.
  await page.route("**/api/storage", (route) => route.abort());
  await page.keyboard.press("g");
  await page.keyboard.press("o");
  await expectVisible(page.getByText("The hub does not respond."));
  await page.unroute("**/api/storage");
  await hub.stop();
  await expectVisible(page.getByText("The connection to the hub is lost."));
  await hub.restart();
  await expectVisible(page.getByRole("heading", { name: "Tables" }));
});

browserTest("the pages fit a screen of 390 pixels, and the shortcuts lead to every page", async () => {
  const { page } = await hub.open({ width: 390, options: PHONE });
  for (const path of ["/", "/devices", "/jobs", "/ingest", "/keys", "/prices", "/storage", "/setup"]) {
    await page.goto(path);
    await page.getByRole("heading", { level: 1 }).waitFor();
    const width = await page.evaluate<number>("document.documentElement.scrollWidth");
    expect([path, width]).toEqual([path, 390]);
    expect([path, await accessibilityViolations(page)]).toEqual([path, []]);
  }
  const menu = page.getByRole("button", { name: "Menu" });
  const link = page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Keys" });
  await menu.click();
  await page.keyboard.press("Escape");
  await link.waitFor({ state: "hidden" });
  await page.keyboard.press("Enter");
  await link.click();
  await expectVisible(page.getByRole("heading", { name: "Keys", level: 1 }));
  await link.waitFor({ state: "hidden" });
  await page.keyboard.press("?");
  await expectVisible(page.getByRole("dialog", { name: "Shortcuts" }));
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.keyboard.press("g");
  await page.keyboard.press("j");
  await expectVisible(page.getByRole("heading", { name: "Jobs", level: 1 }));
});

browserTest("a person without a cookie signs in, returns to the page asked for, and signs out", async () => {
  const { page } = await hub.open({ key: "" });
  await page.goto("/jobs?status=dead");
  await page.getByLabel("Key").fill("wharf_read_wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expectVisible(page.getByRole("alert"));
  await page.getByLabel("Key").fill(ADMIN_KEY);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL("**/jobs?status=dead");
  await page.getByRole("button", { name: "Sign out" }).click();
  await expectVisible(page.getByLabel("Key"));
});

async function expectVisible(locator: {
  waitFor(options: { state: "visible" }): Promise<void>;
}): Promise<void> {
  await locator.waitFor({ state: "visible" });
}
