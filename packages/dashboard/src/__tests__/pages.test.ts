import { beforeAll, expect } from "bun:test";
import { loadDemo } from "../../../client/src/demo/load-demo.ts";
import { ADMIN_KEY } from "../../../server/src/__tests__/server-program.ts";
import { GALLERY_PATH, PAGE_PATHS } from "../served/index.ts";
import { accessibilityViolations, browserTest } from "./browser.ts";
import { setupHub } from "./hub.ts";

const hub = setupHub({ NODE_ENV: "development" });
beforeAll(() => loadDemo(hub.client(), { now: new Date(), days: 3, seed: 7 }, () => undefined));

/** The pages that need no id. */
const LISTS = [...PAGE_PATHS.filter((path) => !path.includes(":")), GALLERY_PATH];

for (const theme of ["light", "dark"] as const) {
  for (const path of LISTS) {
    browserTest(
      `${path} in ${theme} has no accessibility violation and no error in the console`,
      async () => {
        const { page, context, errors } = await hub.open({
          key: path === "/sign-in" ? "" : ADMIN_KEY,
          theme,
        });
        await page.goto(path);
        await page.locator("h1").waitFor();
        expect(await accessibilityViolations(page)).toEqual([]);
        expect(errors).toEqual([]);
        await context.close();
      },
    );
  }
}

browserTest("a page that is not visible holds no stream, and reads again when it is", async () => {
  const { page, context } = await hub.open();
  const isStream = (request: { url(): string }) => new URL(request.url()).pathname === "/api/live";
  const setHidden = (hidden: boolean) =>
    page.evaluate(`Object.defineProperty(document, "hidden", { value: ${hidden}, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));`);
  await Promise.all([page.waitForResponse((response) => isStream(response)), page.goto("/devices")]);
  await page.getByRole("link", { name: "Demo laptop" }).waitFor();

  await Promise.all([page.waitForEvent("requestfailed", isStream), setHidden(true)]);
  await Promise.all([
    page.waitForRequest(isStream),
    page.waitForRequest((request) => new URL(request.url()).pathname === "/api/devices"),
    setHidden(false),
  ]);
  await context.close();
});

browserTest("the blocks of the gallery act as they say", async () => {
  const { page, errors } = await hub.open();
  await page.goto(GALLERY_PATH);
  await page.getByRole("button", { name: "Retry" }).click();
  await page.getByText("Retried.").waitFor();
  await page.getByRole("button", { name: "Full" }).click();
  expect(await page.getByRole("button", { name: "Full" }).getAttribute("aria-pressed")).toBe("true");
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByRole("button", { name: "Cancel" }).click();
  expect(await page.getByText("It is deleted.").count()).toBe(0);
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByRole("button", { name: "Delete it" }).click();
  await page.getByText("It is deleted.").waitFor();
  await page.getByRole("button", { name: "Open a dialog" }).click();
  await page.getByRole("dialog", { name: "A dialog" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  expect(await page.getByRole("link", { name: "no link" }).count()).toBe(0);
  await page.getByRole("checkbox").first().click();
  await page.getByText("1 session selected").waitFor();
  await page.getByRole("button", { name: "Clear" }).click();
  await page.getByText("1 session selected").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Change the retention" }).click();
  await page.getByLabel("Parsed texts").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("img", { name: "An image" }).waitFor();
  await page.getByText("A damaged image is not shown. Its bytes are damaged.").waitFor();
  expect(errors).toEqual([]);
});

browserTest("a sign-in leads only to an address of this hub", async () => {
  const { page, context } = await hub.open({ key: "" });
  for (const [to, expected] of [
    ["/\t/evil.example/x", "/"],
    ["/usage?show=sessions", "/usage?show=sessions"],
  ] as const) {
    await page.goto(`/sign-in?to=${encodeURIComponent(to)}`);
    await page.getByLabel("Key").fill(ADMIN_KEY);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.locator("nav.menu").waitFor();
    expect(page.url()).toBe(hub.url() + expected);
    await context.clearCookies();
  }
  await context.close();
});
