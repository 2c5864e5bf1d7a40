import {
  createEnrolmentCodeSchema,
  deviceChangeSchema,
  deviceSchema,
  enrolmentCodeSchema,
  enrolSchema,
  gitSummarySchema,
  listQuerySchema,
  sessionSchema,
  timelineItemSchema,
  timelineQuerySchema,
  workspaceDeviceSchema,
  workspaceSchema,
  workspaceStatsSchema,
} from "@wharf/protocol";
import { z } from "zod";
import { type Operations, oneOf, pageOf } from "../operation.ts";

const { id, name, type, hostname, os, arch, status, metadata, first_seen_at, last_seen_at } =
  deviceSchema.shape;
const { canonical_id, display_name } = workspaceSchema.shape;
/** A device alone, without the totals of its sessions. */
const deviceRowSchema = z.looseObject({
  id,
  name,
  type,
  hostname,
  os,
  arch,
  status,
  metadata,
  first_seen_at,
  last_seen_at,
});

const path = { id: "laptop" };

/** Timeline, workspaces and devices. */
export const overviewOperations: Operations = {
  "GET /api/timeline": {
    tag: "Timeline",
    summary: "Sessions, and git activity outside any session, newest first",
    description:
      "`types` names what to show: session, git_activity, or single types of git activity. A `limit` above 100 is taken as 100.",
    query: timelineQuerySchema,
    answers: { 200: pageOf("items", timelineItemSchema) },
    example: { status: 200, query: { device_id: "laptop", types: "session,git_activity", limit: "10" } },
  },
  "GET /api/workspaces": {
    tag: "Workspaces",
    summary: "List workspaces with the totals of their sessions, last active first",
    query: listQuerySchema,
    answers: { 200: pageOf("workspaces", workspaceSchema) },
    example: { status: 200, query: { limit: "10" } },
  },
  "GET /api/workspaces/:idOrName{.+}": {
    tag: "Workspaces",
    summary: "One workspace, by id, canonical id or name (case-insensitive)",
    answers: {
      200: z.object({
        workspace: workspaceSchema,
        recent_sessions: z.array(sessionSchema),
        devices: z.array(workspaceDeviceSchema.extend({ id, name, type, status, last_seen_at })),
        git_summary: gitSummarySchema,
        stats: workspaceStatsSchema,
      }),
    },
    refusals: { 400: "Several workspaces have this name: `matches` lists them." },
    example: { status: 200, path: { idOrName: "github.com/acme/site" } },
  },
  "GET /api/devices": {
    tag: "Devices",
    summary: "List devices with the totals of their sessions",
    query: listQuerySchema,
    answers: { 200: pageOf("devices", deviceSchema) },
    example: { status: 200, query: { limit: "10" } },
  },
  "GET /api/devices/:id": {
    tag: "Devices",
    summary: "One device, its workspaces and its last sessions",
    answers: {
      200: z.object({
        device: deviceSchema,
        workspaces: z.array(workspaceDeviceSchema.extend({ id, canonical_id, display_name })),
        recent_sessions: z.array(sessionSchema),
      }),
    },
    example: { status: 200, path },
  },
  "PATCH /api/devices/:id": {
    tag: "Devices",
    summary: "Rename a device",
    body: { schema: deviceChangeSchema },
    answers: { 200: oneOf("device", deviceRowSchema) },
    example: { status: 200, path, body: { name: "Ada's laptop" } },
  },
  "DELETE /api/devices/:id": {
    tag: "Devices",
    summary: "Remove a device",
    description: "Its keys are revoked; its sessions and events stay.",
    answers: { 204: null },
    example: { status: 204, path },
  },
  "POST /api/devices/enrolment-codes": {
    tag: "Devices",
    summary: "Make a code with which a device joins",
    description: "It works once, for ten minutes. With `device_id` a known device joins again.",
    body: { schema: createEnrolmentCodeSchema, optional: true },
    answers: { 201: enrolmentCodeSchema },
    example: { status: 201, body: { device_id: "laptop" } },
  },
  "POST /api/devices/enrol": {
    tag: "Devices",
    summary: "Join as a device",
    description:
      "The code is the proof: no key is needed. The answer holds a key bound to the device, shown this once.",
    body: { schema: enrolSchema },
    answers: { 201: z.object({ device: deviceRowSchema, key: z.string() }) },
    refusals: {
      401: "The code is unknown, used or expired.",
      429: "Too many wrong codes came from this address.",
    },
    example: { status: 201, body: { code: "7K3M-Q9TX-40VB", name: "desk", os: "linux", arch: "x64" } },
  },
};
