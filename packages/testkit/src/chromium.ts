/** Debian's Chromium, or the program that CHROMIUM_PATH names; null: the tests of pages are passed over. */
export const CHROMIUM: string | null = process.env["CHROMIUM_PATH"] ?? Bun.which("chromium");
