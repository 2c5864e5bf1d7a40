import { describe, expect, test } from "bun:test";
import { anEvent } from "../ingest/__tests__/event-factory.ts";
import { setupApp } from "./setup-app.ts";

describe("a server on its own", () => {
  const server = setupApp();

  test("responses and errors have headers against sniffing, scripts, frames, caching and referrers", async () => {
    for (const path of ["/api/limits", "/api/nowhere", "/health/live", "/metrics"]) {
      const { headers } = await server.request("GET", path);
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("referrer-policy")).toBe("no-referrer");
      expect(headers.get("content-security-policy")).toBe("default-src 'none'; frame-ancestors 'none'");
      expect(headers.get("cache-control")).toBe("no-store");
      expect(headers.get("strict-transport-security")).toBeNull();
    }
  });

  test("responses to events have the same headers as all others", async () => {
    const namesOf = ({ headers }: { headers: Headers }) => [...headers.keys()].sort();
    const answer = await server.request("POST", "/api/events", { events: [anEvent()] });
    expect(namesOf(answer)).toEqual(namesOf(await server.request("GET", "/api/limits")));
    expect(answer.headers.get("content-security-policy")).toBe("default-src 'none'; frame-ancestors 'none'");
    expect(answer.headers.get("content-type")).toBe("application/json");
  });

  test("a client's claim about its protocol is ignored without a trusted proxy", async () => {
    const { headers } = await server.request("GET", "/health/live", undefined, {
      "x-forwarded-proto": "https",
    });
    expect(headers.get("strict-transport-security")).toBeNull();
  });

  test("no other origin is allowed", async () => {
    const origin = { origin: "https://evil.example" };
    const { headers } = await server.request("GET", "/api/limits", undefined, origin);
    expect(headers.get("access-control-allow-origin")).toBeNull();
    const preflight = await server.request("OPTIONS", "/api/limits", undefined, {
      ...origin,
      "access-control-request-method": "GET",
    });
    expect(preflight.status).toBe(405);
    expect(preflight.headers.get("access-control-allow-origin")).toBeNull();
  });
});

describe("a server behind a proxy, with a page elsewhere", () => {
  const server = setupApp({
    environment: { WHARF_TRUSTED_PROXIES: "1", WHARF_CORS_ORIGINS: "https://page.example" },
  });

  test("sends HSTS when it was reached by https", async () => {
    const secure = await server.request("GET", "/health/live", undefined, { "x-forwarded-proto": "https" });
    expect(secure.headers.get("strict-transport-security")).toBe("max-age=31536000");
    const plain = await server.request("GET", "/health/live", undefined, { "x-forwarded-proto": "http" });
    expect(plain.headers.get("strict-transport-security")).toBeNull();
  });

  test("the configured origin is allowed, also for errors, and no other", async () => {
    const origin = { origin: "https://page.example" };
    const preflight = await server.request("OPTIONS", "/api/events", undefined, {
      ...origin,
      authorization: "",
      "access-control-request-method": "POST",
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-origin")).toBe("https://page.example");
    expect(preflight.headers.get("access-control-allow-headers")).toContain("Authorization");
    const failed = await server.request("GET", "/api/limits", undefined, { ...origin, authorization: "" });
    expect([failed.status, failed.headers.get("access-control-allow-origin")]).toEqual([
      401,
      "https://page.example",
    ]);
    const taken = await server.request("POST", "/api/events", { events: [anEvent()] }, origin);
    expect([taken.status, taken.headers.get("access-control-allow-origin")]).toEqual([
      202,
      "https://page.example",
    ]);
    const other = await server.request("GET", "/api/limits", undefined, { origin: "https://evil.example" });
    expect(other.headers.get("access-control-allow-origin")).toBeNull();
  });
});
