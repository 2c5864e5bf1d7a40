import { afterAll, beforeAll, test } from "bun:test";
import { CHROMIUM, until } from "@wharf/testkit";
import AxeBuilder from "axe-core";
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from "playwright-core";

/** A test that needs Chromium. Where there is none, `run check` states that these are passed over. */
export const browserTest: ReturnType<typeof test.skipIf> = test.skipIf(CHROMIUM === null);

/** Without a mouse. */
export const PHONE: BrowserContextOptions = { hasTouch: true, isMobile: true };

export type OpenOptions = {
  url: string;
  key: string;
  theme?: "light" | "dark";
  width?: number;
  options?: BrowserContextOptions;
};

export type OpenPage = {
  page: Page;
  context: BrowserContext;
  /** Errors of the console and of scripts so far; a test expects it to be empty. */
  errors: string[];
};

/** Call it once at the top of a test file; pages are closed after it. */
export function setupBrowser(): { open(options: OpenOptions): Promise<OpenPage> } {
  let browser: Browser | undefined;
  beforeAll(async () => {
    if (CHROMIUM === null) return;
    // Without a sandbox, which root and containers do not have.
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: ["--no-sandbox", "--disable-dev-shm-usage"],
    });
  });
  afterAll(async () => {
    await browser?.close();
  });

  async function open({ url, key, theme = "light", width = 1280, options = {} }: OpenOptions) {
    if (browser === undefined) throw new Error("Chromium runs only inside tests.");
    const context = await browser.newContext({
      baseURL: url,
      colorScheme: theme,
      viewport: { width, height: 800 },
      ...options,
    });
    const page = await context.newPage();
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error") errors.push(message.text());
    });
    if (key !== "") {
      const response = await context.request.post("/api/sign-in", {
        data: { key },
        headers: { origin: url },
      });
      if (!response.ok()) throw new Error(`The sign-in failed with status ${response.status()}.`);
    }
    return { page, context, errors };
  }

  return { open };
}

/** Waits until the page shows so many: what was read before stays until the next response. */
export async function expectCount(locator: { count(): Promise<number> }, count: number): Promise<void> {
  await until(async () => (await locator.count()) === count, {
    describe: async () => `${count} elements, where there are ${await locator.count()}`,
  });
}

/** Waits until a field holds the text: the address changes before it is rendered. */
export async function expectValue(locator: { inputValue(): Promise<string> }, value: string): Promise<void> {
  await until(async () => (await locator.inputValue()) === value, {
    describe: async () => `"${value}" in the field, which holds "${await locator.inputValue()}"`,
  });
}

/** The violations that axe finds on the page, also what is too small to press, each with its elements. */
export async function accessibilityViolations(page: Page): Promise<string[]> {
  await page.evaluate(AxeBuilder.source);
  return await page.evaluate(async () => {
    // The bars of a day's hours are narrow by their number; the filter of Sessions selects the same.
    globalThis.axe.configure({
      rules: [{ id: "target-size", enabled: true, selector: "*:not(.hours-bar)" }],
    });
    const { violations } = await globalThis.axe.run();
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" | ")}`);
  });
}

declare global {
  var axe: typeof AxeBuilder;
}
