import {
  createEnrolmentCodeSchema,
  type Enrol,
  enrolmentCodeSchema,
  enrolmentSchema,
  enrolSchema,
} from "@wharf/protocol";
import { Hono } from "hono";
import type { Database } from "../db/database.ts";
import { enrolDevice, insertEnrolmentCode } from "../db/edits/enrolment-codes.ts";
import { actorOf } from "../http/caller.ts";
import { readPlainJson } from "../http/json.ts";
import { operation, requireReady } from "../http/operation.ts";
import { ProblemError } from "../http/problem.ts";
import { publicOrigin } from "../http/public-origin.ts";
import type { AppEnv } from "../http/request-context.ts";
import { withoutControlCharacters } from "../json/clean-value.ts";
import { createKey } from "../keys/api-key.ts";
import { createEnrolmentCode, ENROLMENT_CODE_LIFE_S, hashOfTypedCode } from "../keys/enrolment-code.ts";
import { installLine } from "../keys/install-line.ts";
import type { Limits } from "../limits.ts";
import type { Redaction } from "../redaction/create-redaction.ts";

export type EnrolmentDependencies = { edits: Database; limits: Limits; redaction: Pick<Redaction, "secret"> };

/** For senders without a key. */
const ENROLMENT_BODY_BYTES_MAX = 16 * 1024;

const tag = "Devices";

const createCode = operation({
  scopes: ["admin"],
  tag,
  summary: "Create a code with which a device enrols",
  description:
    "The code works once, for ten minutes. With `device_id`, an existing device enrols again. With `read` (the default), the device also receives a key that reads.",
  body: createEnrolmentCodeSchema,
  isBodyOptional: true,
  responses: { 201: enrolmentCodeSchema },
  example: { status: 201, body: { device_id: "laptop" } },
});

const enrol = operation({
  scopes: [],
  tag,
  summary: "Enrol a device",
  description:
    "Requires an enrolment code instead of a key. The response contains a key bound to the device, a key that reads unless the code was created without `read`, and the secret with which the device makes the same redaction markers as the server. The keys are not shown again.",
  rawBody: { schema: enrolSchema, contentTypes: ["application/json"] },
  responses: { 201: enrolmentSchema },
  problems: {
    401: "The code is unknown, used or expired.",
    429: "Too many wrong codes came from this address.",
  },
  example: { status: 201, body: { code: "7K3M-Q9TX-40VB", name: "desk", os: "linux", arch: "x64" } },
});

/** Enrolment: an admin creates a code, a person types it on the device, and the device exchanges it for a key of its own. */
export function enrolmentRoutes({ edits, limits, redaction }: EnrolmentDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.post("/enrolment-codes", createCode, async function postCode(c) {
    const { device_id, read } = c.req.valid("json");
    const { code, hash } = createEnrolmentCode();
    const deviceId = device_id == null ? null : withoutControlCharacters(device_id);
    const stored = { hash, deviceId, mayRead: read, life_s: ENROLMENT_CODE_LIFE_S };
    const expires_at = await edits.run((sql) => insertEnrolmentCode(sql, stored, actorOf(c)));
    return c.json({ code, expires_at, line: installLine(new URL(publicOrigin(c)), code) }, 201);
  });

  routes.post("/enrol", enrol, async function postEnrolment(c) {
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
    const redaction_secret = await redaction.secret();
    const [ingestKey, readKey] = [createKey("ingest"), createKey("read")];
    const joining = { codeHash, ingestKey, readKey, ...describeDevice(wanted) };
    const enrolled = await edits.run((sql) => enrolDevice(sql, joining, c.get("requestId")));
    if (enrolled === null) throw refuse(codeRefused());
    const { device, may_read } = enrolled;
    const keys = { key: ingestKey.key, ...(may_read ? { read_key: readKey.key } : {}) };
    return c.json({ device, ...keys, redaction_secret }, 201);
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

/** The same for an unknown, a used and an expired code. */
function codeRefused(): ProblemError {
  return new ProblemError({
    status: 401,
    code: "ENROLMENT_CODE_REFUSED",
    detail: "Invalid enrolment code. A code works once, for ten minutes. Request a new code.",
  });
}
