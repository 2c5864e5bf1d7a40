import { createEnrolmentCodeSchema, type Enrol, enrolSchema } from "@wharf/protocol";
import { Hono } from "hono";
import type { Database } from "../db/database.ts";
import { enrolDevice, insertEnrolmentCode } from "../db/edits/enrolment-codes.ts";
import type { AppEnv } from "../http/context.ts";
import { readOptionalJson, readPlainJson } from "../http/json.ts";
import { ProblemError } from "../http/problem.ts";
import { actorOf, publicRoute, requireReady, requireScope } from "../http/scopes.ts";
import { withoutControlCharacters } from "../json/clean-value.ts";
import { createKey } from "../keys/api-key.ts";
import { createEnrolmentCode, ENROLMENT_CODE_LIFE_S, hashOfTypedCode } from "../keys/enrolment-code.ts";
import type { Limits } from "../limits.ts";

export type EnrolmentDependencies = { edits: Database; limits: Limits };

/** For senders without a key. */
const ENROLMENT_BODY_BYTES_MAX = 16 * 1024;

/** How a device joins: an admin makes a code, a person types it on the device, and the device gets a key of its own for it. */
export function enrolmentRoutes({ edits, limits }: EnrolmentDependencies) {
  const routes = new Hono<AppEnv>();

  routes.post("/enrolment-codes", requireScope("admin"), async function postCode(c) {
    const { device_id } = await readOptionalJson(c, createEnrolmentCodeSchema, limits);
    const { code, hash } = createEnrolmentCode();
    const deviceId = device_id == null ? null : withoutControlCharacters(device_id);
    const stored = { hash, deviceId, life_s: ENROLMENT_CODE_LIFE_S };
    const expires_at = await edits.run((sql) => insertEnrolmentCode(sql, stored, actorOf(c)));
    return c.json({ code, expires_at }, 201);
  });

  routes.post("/enrol", publicRoute, async function postEnrolment(c) {
    requireReady(c);
    const access = c.get("access");
    const refuse = (problem: ProblemError) => access.countFailure(c, problem);
    const wanted = await readPlainJson(c, enrolSchema, {
      ...limits,
      body_bytes: ENROLMENT_BODY_BYTES_MAX,
    }).catch((error) => {
      throw error instanceof ProblemError ? refuse(error) : error;
    });
    const codeHash = hashOfTypedCode(wanted.code);
    if (codeHash === null || !(await access.isLiveCode(codeHash))) throw refuse(codeRefused());
    const { key, hash, last4 } = createKey("ingest");
    const joining = { codeHash, keyHash: hash, keyLast4: last4, ...describeDevice(wanted) };
    const device = await edits.run((sql) => enrolDevice(sql, joining, c.get("requestId")));
    if (device === null) throw refuse(codeRefused());
    return c.json({ device, key }, 201);
  });

  return routes;
}

function describeDevice({ name, type, hostname, os, arch }: Enrol) {
  return {
    name: name ?? null,
    type: type ?? null,
    hostname: hostname ?? null,
    os: os ?? null,
    arch: arch ?? null,
  };
}

/** An unknown, a used and an expired code get the same answer. */
function codeRefused(): ProblemError {
  return new ProblemError({
    status: 401,
    code: "ENROLMENT_CODE_REFUSED",
    detail: "This code is not valid: each works once, for ten minutes. Ask for a new code.",
  });
}
