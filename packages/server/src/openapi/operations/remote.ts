import {
  blueprintCreateSchema,
  blueprintListQuerySchema,
  blueprintPatchSchema,
  blueprintSchema,
  remoteEnvCreateSchema,
  remoteEnvListQuerySchema,
  remoteEnvPatchSchema,
  remoteEnvSchema,
} from "@wharf/protocol";
import { type Operations, oneOf, pageOf } from "../operation.ts";

const workspace_id = "01JP9Z000000000000000000W1";
const envPath = { id: "01JP9Z000000000000000000E1" };
const blueprintPath = { id: "01JP9Z000000000000000000B1" };

/** Remote environments, and the blueprints that they are made from. */
export const remoteOperations: Operations = {
  "GET /api/remote-envs": {
    tag: "Remote environments",
    summary: "List remote environments, newest first",
    query: remoteEnvListQuerySchema,
    answers: { 200: pageOf("remote_envs", remoteEnvSchema) },
    example: { status: 200, query: { status: "provisioning,ready", limit: "10" } },
  },
  "POST /api/remote-envs": {
    tag: "Remote environments",
    summary: "Add a remote environment",
    body: { schema: remoteEnvCreateSchema },
    answers: { 201: oneOf("remote_env", remoteEnvSchema) },
    example: {
      status: 201,
      body: { workspace_id, instance_type: "small", region: "eu-central", blueprint: {}, ttl_minutes: 60 },
    },
  },
  "GET /api/remote-envs/:id": {
    tag: "Remote environments",
    summary: "One remote environment",
    answers: { 200: oneOf("remote_env", remoteEnvSchema) },
    example: { status: 200, path: envPath },
  },
  "PATCH /api/remote-envs/:id": {
    tag: "Remote environments",
    summary: "Change a remote environment",
    body: { schema: remoteEnvPatchSchema },
    answers: { 200: oneOf("remote_env", remoteEnvSchema) },
    example: { status: 200, path: envPath, body: { status: "ready", public_ip: "203.0.113.7" } },
  },
  "GET /api/blueprints": {
    tag: "Remote environments",
    summary: "List blueprints, newest first",
    query: blueprintListQuerySchema,
    answers: { 200: pageOf("blueprints", blueprintSchema) },
    example: { status: 200, query: { limit: "10" } },
  },
  "POST /api/blueprints": {
    tag: "Remote environments",
    summary: "Add a blueprint",
    description: "One without a workspace is a template.",
    body: { schema: blueprintCreateSchema },
    answers: { 201: oneOf("blueprint", blueprintSchema) },
    example: { status: 201, body: { workspace_id, name: "small machine", config: { memory_gb: 4 } } },
  },
  "GET /api/blueprints/:id": {
    tag: "Remote environments",
    summary: "One blueprint",
    answers: { 200: oneOf("blueprint", blueprintSchema) },
    example: { status: 200, path: blueprintPath },
  },
  "PATCH /api/blueprints/:id": {
    tag: "Remote environments",
    summary: "Change a blueprint",
    body: { schema: blueprintPatchSchema },
    answers: { 200: oneOf("blueprint", blueprintSchema) },
    example: { status: 200, path: blueprintPath, body: { name: "large machine", config: { memory_gb: 64 } } },
  },
};
