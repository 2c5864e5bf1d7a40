import type { Context } from "hono";

/** Without characters that a shell interprets: commands with this address are pasted into one. */
const PLAIN_HOST = /^[A-Za-z0-9.:\-[\]]+$/;

/**
 * The address under which the client reached this server, such as https://wharf.example.com. Behind a proxy that ends TLS, by its
 * X-Forwarded-Proto, from any sender: the response is for that sender alone.
 */
export function publicOrigin(c: Context): string {
  const { protocol, host, port } = new URL(c.req.url);
  if (!PLAIN_HOST.test(host)) return `${protocol}//localhost${port === "" ? "" : `:${port}`}`;
  const forwarded = c.req.header("x-forwarded-proto")?.split(",").at(-1)?.trim();
  return `${forwarded === "https" ? "https:" : protocol}//${host}`;
}
