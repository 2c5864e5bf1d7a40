const LOOPBACK_NAMES = new Set(["127.0.0.1", "::1", "localhost"]);

/** Whether a host is this machine alone. */
export function isLoopback(host: string): boolean {
  return LOOPBACK_NAMES.has(host);
}

/** The same of the host of an address, where IPv6 is in brackets. */
export function isLoopbackUrl({ hostname }: URL): boolean {
  return isLoopback(hostname.replace(/^\[|\]$/g, ""));
}
