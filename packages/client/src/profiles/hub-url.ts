const LOOPBACK_NAME = /^(?:localhost|.+\.localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

export type HubUrl =
  | { url: string; host: string }
  | { problem: string; code: "INVALID_URL" | "HTTP_REFUSED" };

/**
 * The address of a hub as it is typed, without a slash at the end; a path is kept, for a hub behind one. Without a scheme it is https,
 * and http on this machine.
 */
export function readHubUrl(typed: string, isHttpAllowed: boolean): HubUrl {
  const url = parse(typed.trim());
  if (url === null) {
    const problem = `"${typed}" is not an address of a hub. Use one like https://wharf.example.com.`;
    return { problem, code: "INVALID_URL" };
  }
  if (url.username !== "" || url.password !== "") {
    return { problem: "The address must not contain a user or password.", code: "INVALID_URL" };
  }
  if (url.protocol === "http:" && !isLoopback(url.hostname) && !isHttpAllowed) {
    const problem = `${url.origin} is plain HTTP to another machine: keys and transcripts could be read on the way. Use https, or add --insecure-http on a network that you trust.`;
    return { problem, code: "HTTP_REFUSED" };
  }
  return { url: `${url.origin}${url.pathname.replace(/\/+$/, "")}`, host: url.hostname };
}

function isLoopback(hostname: string): boolean {
  return LOOPBACK_NAME.test(hostname);
}

function parse(typed: string): URL | null {
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(typed) ? typed : `${schemeFor(typed)}://${typed}`;
  if (!URL.canParse(withScheme)) return null;
  const url = new URL(withScheme);
  const isWeb = url.protocol === "http:" || url.protocol === "https:";
  return isWeb && url.hostname !== "" ? url : null;
}

function schemeFor(typed: string): "http" | "https" {
  const [, host = ""] = /^(\[[^\]]*\]|[^:/]*)/.exec(typed) ?? [];
  return isLoopback(host) ? "http" : "https";
}
