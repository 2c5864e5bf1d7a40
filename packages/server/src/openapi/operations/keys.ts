import {
  apiKeySchema,
  createdKeySchema,
  createKeySchema,
  keyAuditSchema,
  listQuerySchema,
  rotateKeySchema,
} from "@wharf/protocol";
import { type Operations, pageOf } from "../operation.ts";

const path = { id: "01JP9Z000000000000000000K1" };

/** Keys: made, listed, rotated and revoked. */
export const keyOperations: Operations = {
  "GET /api/keys": {
    tag: "Keys",
    summary: "List keys, newest first, never the keys themselves",
    query: listQuerySchema,
    answers: { 200: pageOf("keys", apiKeySchema) },
    example: { status: 200, query: { limit: "10" } },
  },
  "GET /api/keys/audit": {
    tag: "Keys",
    summary: "Who made, rotated and revoked which key, newest first",
    query: listQuerySchema,
    answers: { 200: pageOf("audit", keyAuditSchema) },
    example: { status: 200, query: { limit: "10" } },
  },
  "POST /api/keys": {
    tag: "Keys",
    summary: "Make a key",
    description:
      "The answer is the only one that shows it. An ingest key with `device_id` writes as that device only.",
    body: { schema: createKeySchema },
    answers: { 201: createdKeySchema },
    example: { status: 201, body: { scope: "ingest", name: "Ada's laptop", device_id: "laptop" } },
  },
  "POST /api/keys/:id/rotate": {
    tag: "Keys",
    summary: "Make a key's successor",
    description: "The old key remains valid for `grace_seconds`.",
    body: { schema: rotateKeySchema, optional: true },
    answers: { 201: createdKeySchema },
    refusals: { 409: "The key is revoked, expired, or has a successor that works." },
    example: { status: 201, path, body: { grace_seconds: 3600 } },
  },
  "DELETE /api/keys/:id": {
    tag: "Keys",
    summary: "Revoke a key",
    answers: { 204: null },
    example: { status: 204, path },
  },
};
