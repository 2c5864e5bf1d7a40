import { z } from "zod";
import type { Operations } from "../operation.ts";

const healthSchema = z.object({
  status: z.enum(["ok", "degraded", "unhealthy"]),
  checks: z.object({
    db: z.object({ ok: z.boolean(), latency_ms: z.number().nullable(), error: z.string().optional() }),
    jobs: z.object({ ok: z.boolean() }),
  }),
  uptime_seconds: z.number(),
  version: z.string(),
});
const probeSchema = z.object({ status: z.string() });

/** The server itself. */
export const serverOperations: Operations = {
  "GET /health/live": {
    tag: "Server",
    summary: "Whether the process runs",
    answers: { 200: probeSchema },
    example: { status: 200 },
  },
  "GET /health/ready": {
    tag: "Server",
    summary: "Whether the server takes requests: migrated, and its database reached",
    answers: { 200: probeSchema, 503: probeSchema },
    example: { status: 200 },
  },
  "GET /api/health": {
    tag: "Server",
    summary: "The server's state; 503 only when its database is unavailable",
    answers: { 200: healthSchema, 503: healthSchema },
    example: { status: 200 },
  },
  "GET /api/limits": {
    tag: "Server",
    summary: "What a client has to stay below; the unit ends each name",
    answers: { 200: z.object({ limits: z.record(z.string(), z.number()) }) },
    example: { status: 200 },
  },
  "GET /metrics": {
    tag: "Server",
    summary: "Metrics for Prometheus",
    answers: { 200: { contentType: "text/plain" } },
    example: { status: 200 },
  },
  "GET /api/openapi.json": {
    tag: "Server",
    summary: "This document; it holds no data and needs no key",
    answers: { 200: z.looseObject({ openapi: z.string() }) },
    example: { status: 200 },
  },
  "GET /": {
    tag: "Server",
    summary: "A page for browsers: the server's state, how to connect a device, and links",
    answers: { 200: { contentType: "text/html" } },
    example: { status: 200 },
  },
  "GET /docs": {
    tag: "Server",
    summary: "This document as a page for people",
    answers: { 200: { contentType: "text/html" } },
    example: { status: 200 },
  },
};
