import { isIP } from "node:net";

/** Bun's server: the address of a request's socket. */
export type RequestAddresses = { requestIP(request: Request): { address: string } | null };

export type Origin = {
  env: Partial<RequestAddresses>;
  req: { raw: Request; header(name: string): string | undefined };
};

const UNKNOWN_ADDRESS = "unknown";
/** Forms that proxies write: [2001:db8::1]:443 and 192.0.2.7:443, sometimes quoted. */
const BRACKETED = /^"?\[([^\]]*)\](?::\d+)?"?$/;
const IPV4_WITH_PORT = /^"?(\d+\.\d+\.\d+\.\d+)(?::\d+)?"?$/;
const ZONE = /%.*$/;
const GROUPS = 8;
const PREFIX_GROUPS = 4;
const MAPPED_PREFIX = "0:0:0:0:0:ffff";

/**
 * The network whose failures are counted together: the IPv4 address, or the /64 of an IPv6 address, which belongs to one subscriber.
 * `trustedProxies`: the number of proxies in front of the server. Each appends the address of its peer to X-Forwarded-For; entries
 * further left are set by the client. An entry that is not an address counts as the address of the socket.
 */
export function clientNetwork(c: Origin, trustedProxies: number): string {
  const forwarded =
    trustedProxies === 0 ? undefined : c.req.header("x-forwarded-for")?.split(",").at(-trustedProxies);
  return networkOf(forwarded ?? "") ?? networkOf(peerAddress(c) ?? "") ?? UNKNOWN_ADDRESS;
}

/** The address at the other end of the socket; null for a request without a port, as tests send. */
export function peerAddress(c: Pick<Origin, "env"> & { req: { raw: Request } }): string | null {
  // Hono leaves env undefined when fetch is called without one.
  const server: Partial<RequestAddresses> | undefined = c.env;
  return server?.requestIP?.(c.req.raw)?.address ?? null;
}

/** The network of an address in any of its spellings, with or without a port; null for text that is no address. */
export function networkOf(text: string): string | null {
  const trimmed = text.trim();
  const bare = BRACKETED.exec(trimmed)?.[1] ?? IPV4_WITH_PORT.exec(trimmed)?.[1] ?? trimmed;
  const address = bare.replace(ZONE, "");
  const version = isIP(address);
  if (version === 4) return address;
  if (version !== 6) return null;
  const groups = groupsOf(address);
  const mapped = groups.slice(0, 6).join(":") === MAPPED_PREFIX;
  return mapped ? ipv4Of(groups.slice(6)) : `${groups.slice(0, PREFIX_GROUPS).join(":")}::/64`;
}

/** All eight groups of a valid IPv6 address, in lower case and without leading zeros, as URL writes them. */
function groupsOf(address: string): string[] {
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [head = "", tail] = canonical.split("::");
  const groups = head === "" ? [] : head.split(":");
  const ending = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array.from({ length: GROUPS - groups.length - ending.length }, () => "0");
  return [...groups, ...zeros, ...ending];
}

function ipv4Of(groups: readonly string[]): string {
  const bytes = groups
    .map((group) => Number.parseInt(group, 16))
    .flatMap((value) => [value >> 8, value & 255]);
  return bytes.join(".");
}
