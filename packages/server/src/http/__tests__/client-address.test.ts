import { expect, test } from "bun:test";
import { clientNetwork, networkOf } from "../client-address.ts";

function from(address: string | null, forwarded?: string) {
  const raw = new Request("http://localhost/");
  return {
    env: { requestIP: () => (address === null ? null : { address }) },
    req: { raw, header: (name: string) => (name === "x-forwarded-for" ? forwarded : undefined) },
  };
}

test("uses the address of the socket and ignores X-Forwarded-For without trusted proxies", () => {
  expect(clientNetwork(from("192.0.2.1", "10.0.0.1"), 0)).toBe("192.0.2.1");
  expect(clientNetwork(from("192.0.2.1"), 0)).toBe("192.0.2.1");
});

test("uses the entry of the outermost trusted proxy", () => {
  expect(clientNetwork(from("10.0.0.9", "6.6.6.6, 192.0.2.1"), 1)).toBe("192.0.2.1");
  expect(clientNetwork(from("10.0.0.9", "6.6.6.6, 192.0.2.1, 10.0.0.8"), 2)).toBe("192.0.2.1");
  expect(clientNetwork(from("10.0.0.9", "192.0.2.1"), 2)).toBe("10.0.0.9");
  expect(clientNetwork(from("10.0.0.9"), 1)).toBe("10.0.0.9");
});

test("groups IPv6 addresses by /64, and maps IPv4 in IPv6 to IPv4", () => {
  expect(networkOf("2001:db8:1:2:aaaa::1")).toBe(networkOf("2001:db8:1:2:bbbb:cccc:dddd:eeee"));
  expect(networkOf("2001:db8:1:3::1")).not.toBe(networkOf("2001:db8:1:2::1"));
  expect(networkOf("2001:db8::1")).toBe("2001:db8:0:0::/64");
  expect(networkOf("::ffff:192.0.2.1")).toBe("192.0.2.1");
});

test("groups all requests without a socket", () => {
  expect(clientNetwork(from(null), 0)).toBe("unknown");
});

test.each([
  ["192.0.2.7:50123", "192.0.2.7"],
  [" 192.0.2.7 ", "192.0.2.7"],
  ['"192.0.2.7:1"', "192.0.2.7"],
  ["[2001:db8:1:2::9]:443", "2001:db8:1:2::/64"],
  ['"[2001:db8:1:2::9]:443"', "2001:db8:1:2::/64"],
  ["[2001:db8:1:2::9]", "2001:db8:1:2::/64"],
  ["2001:0DB8:0001:0002::9", "2001:db8:1:2::/64"],
  ["fe80::1%eth0", "fe80:0:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
  ["::ffff:c000:207", "192.0.2.7"],
  ["[::ffff:192.0.2.7]:80", "192.0.2.7"],
  ["0:0:0:0:0:FFFF:C000:0207", "192.0.2.7"],
])("%s is of the network %s", (text, network) => {
  expect(networkOf(text)).toBe(network);
});

test.each([
  "",
  "unknown",
  "_hidden",
  "192.0.2.300",
  "192.0.2.7:port",
  "2001:db8::1::2",
  "[]:80",
  "a.example:80",
])("%p is no address: the proxy's own counts", (text) => {
  expect(networkOf(text)).toBeNull();
  expect(clientNetwork(from("10.0.0.9", text), 1)).toBe("10.0.0.9");
});

test("groups connections of one client with any port", () => {
  const networks = [1, 2, 3].map((port) => clientNetwork(from("10.0.0.9", `192.0.2.7:${port}`), 1));
  expect(new Set(networks)).toEqual(new Set(["192.0.2.7"]));
});
