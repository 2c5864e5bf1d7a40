/** What Bun's server tells of a request's socket. */
export type RequestAddresses = { requestIP(request: Request): { address: string } | null };

export type Origin = {
  env: { server: RequestAddresses | null };
  req: { raw: Request; header(name: string): string | undefined };
};

const UNKNOWN_ADDRESS = "unknown";
const MAPPED_IPV4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;
const PREFIX_GROUPS = 4;

/**
 * Whose failures are counted together: the IPv4 address, or the /64 of an IPv6 address, which one subscriber has whole.
 * `trustedProxies` is how many proxies stand before the server: each appends to X-Forwarded-For whom it heard from, and what
 * stands further left is whatever the client claimed.
 */
export function clientNetwork(c: Origin, trustedProxies: number): string {
  const forwarded =
    trustedProxies === 0
      ? undefined
      : c.req.header("x-forwarded-for")?.split(",").at(-trustedProxies)?.trim();
  return networkOf(forwarded || c.env.server?.requestIP(c.req.raw)?.address || UNKNOWN_ADDRESS);
}

export function networkOf(address: string): string {
  const mapped = MAPPED_IPV4.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.split("::");
  const groups = head === "" ? [] : head.split(":");
  const ending = tail === undefined || tail === "" ? [] : tail.split(":");
  if (tail !== undefined) while (groups.length + ending.length < 8) groups.push("0");
  return `${[...groups, ...ending].slice(0, PREFIX_GROUPS).join(":")}::/64`;
}
