import { describe, expect, test } from "bun:test";
import { createReadiness } from "../../readiness.ts";
import { healthRoutes, probeRoutes } from "../health.ts";

function setup() {
  let late = false;
  const readiness = createReadiness();
  readiness.set("ready");
  const health = {
    check: async () => ({ ok: true, latency_ms: 1 }),
    close: async () => undefined,
  };
  const dependencies = { readiness, health, jobsLate: () => late };
  return {
    probes: probeRoutes(dependencies),
    routes: healthRoutes(dependencies),
    setLate: (isLate: boolean) => {
      late = isLate;
    },
  };
}

describe("while claims of the job engine have no answer", () => {
  test("a process that has only jobs to do is not ready, and is again afterwards", async () => {
    const { probes, setLate } = setup();
    setLate(true);
    const refused = await probes.request("/ready", {}, {});
    expect([refused.status, await refused.json()]).toEqual([503, { status: "jobs_late" }]);
    expect((await probes.request("/live", {}, {})).status).toBe(200);
    setLate(false);
    expect((await probes.request("/ready", {}, {})).status).toBe(200);
  });

  test("the health of a server is degraded, and it stays in service", async () => {
    const { routes, setLate } = setup();
    setLate(true);
    const response = await routes.request("/", {}, {});
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ status: "degraded", checks: { jobs: { ok: false } } });
    setLate(false);
    expect(await (await routes.request("/", {}, {})).json()).toMatchObject({ status: "ok" });
  });
});
