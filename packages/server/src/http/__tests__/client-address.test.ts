import { expect, test } from "bun:test";
import { clientNetwork, networkOf } from "../client-address.ts";

function from(address: string | null, forwarded?: string) {
  const raw = new Request("http://localhost/");
  return {
    env: { server: { requestIP: () => (address === null ? null : { address }) } },
    req: { raw, header: (name: string) => (name === "x-forwarded-for" ? forwarded : undefined) },
  };
}

test("without trusted proxies the socket's address counts, whatever is claimed", () => {
  expect(clientNetwork(from("192.0.2.1", "10.0.0.1"), 0)).toBe("192.0.2.1");
  expect(clientNetwork(from("192.0.2.1"), 0)).toBe("192.0.2.1");
});

test("with trusted proxies the entry that the outermost of them wrote counts", () => {
  expect(clientNetwork(from("10.0.0.9", "6.6.6.6, 192.0.2.1"), 1)).toBe("192.0.2.1");
  expect(clientNetwork(from("10.0.0.9", "6.6.6.6, 192.0.2.1, 10.0.0.8"), 2)).toBe("192.0.2.1");
  expect(clientNetwork(from("10.0.0.9", "192.0.2.1"), 2)).toBe("10.0.0.9");
  expect(clientNetwork(from("10.0.0.9"), 1)).toBe("10.0.0.9");
});

test("an IPv6 subscriber counts as its /64, an IPv4 address in IPv6 as itself", () => {
  expect(networkOf("2001:db8:1:2:aaaa::1")).toBe(networkOf("2001:db8:1:2:bbbb:cccc:dddd:eeee"));
  expect(networkOf("2001:db8:1:3::1")).not.toBe(networkOf("2001:db8:1:2::1"));
  expect(networkOf("2001:db8::1")).toBe("2001:db8:0:0::/64");
  expect(networkOf("::ffff:192.0.2.1")).toBe("192.0.2.1");
});

test("a request without a socket has one shared place", () => {
  expect(clientNetwork(from(null), 0)).toBe("unknown");
});
