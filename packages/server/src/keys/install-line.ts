const LOOPBACK = new Set(["127.0.0.1", "::1", "localhost"]);

/** The line to paste on a machine that joins; `url` is the server's address as that machine reaches it. */
export function installLine(url: URL, code: string): string {
  const base = `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
  const isPlain = url.protocol === "http:" && !isLoopback(url);
  return `curl -fsS ${base}/install.sh | sh -s -- ${code}${isPlain ? " --insecure-http" : ""}`;
}

export function isLoopback({ hostname }: URL): boolean {
  return LOOPBACK.has(hostname.replace(/^\[|\]$/g, ""));
}
