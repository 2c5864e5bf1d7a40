import { isLoopbackUrl } from "../loopback.ts";

/** The line to paste on a machine that joins; `url` is the server's address as that machine reaches it. */
export function installLine(url: URL, code: string): string {
  const base = `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
  const isPlain = url.protocol === "http:" && !isLoopbackUrl(url);
  return `curl -fsS ${base}/install.sh | sh -s -- ${code}${isPlain ? " --insecure-http" : ""}`;
}
