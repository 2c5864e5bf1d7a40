import { at, event, gitCommit, ingest, sessionEnd, sessionStart } from "../../__tests__/events.ts";
import type { TestServer } from "../../__tests__/setup-app.ts";
import { createPostgresBlobStore } from "../../blobs/postgres-store.ts";
import { putDeviceReport } from "../../db/edits/device-reports.ts";
import { insertLink } from "../../db/edits/sign-ins.ts";
import { sampleStorage } from "../../db/edits/storage-samples.ts";
import { addResponses } from "../../db/usage/__tests__/add-responses.ts";
import { hashOf } from "../../keys/api-key.ts";
import { hashOfTypedCode } from "../../keys/enrolment-code.ts";
import { LINK_LIFE_S } from "../../keys/sign-in-secret.ts";
import { indexStored } from "../../search/__tests__/index-stored.ts";
import { addCall, addMessages, addResponse, call, text } from "../../transcripts/__tests__/add-messages.ts";
import { deriveSession } from "../../transcripts/derive-session.ts";
import { parseSession } from "../../transcripts/parse/parse-session.ts";

const WORKSPACE_ID = "01JP9Z000000000000000000W1";
const SESSION_ID = "3f6b1f0e-8f55-4a26-9d3c-0c9f5a7e2b41";
const SESSION_WITH_TRANSCRIPT = "b7e23ec2-9af2-4c61-8f0b-5d1c7e9a3f64";
const MESSAGE_ID = "4a1d30c6e1c94d41a3a5b92b71a1d0c2";
const ENROLMENT_CODE = "7K3M-Q9TX-40VB";
/** A point, transparent. */
const PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const SIGN_IN_TOKEN = "Q2h7yVnJ0mXc4uT1sLkR8eWbG5aZfD3oNpIiHvE6wYA";

/** The rows that the document's examples name. */
export async function seedExamples(server: TestServer): Promise<void> {
  const { sql } = server;
  await sql`
    INSERT INTO workspaces (id, canonical_id, display_name)
    VALUES (${WORKSPACE_ID}, 'github.com/acme/site', 'site')`;
  await sql`
    INSERT INTO redaction_switches (workspace_id, is_redacted, actor) VALUES (${WORKSPACE_ID}, true, 'environment')`;
  await ingest(server, [
    sessionStart(SESSION_ID, { timestamp: at(0) }),
    sessionStart(SESSION_WITH_TRANSCRIPT, { timestamp: at(60) }),
    gitCommit({ session_id: SESSION_ID, timestamp: at(30) }),
    gitCommit({ device_id: "laptop", workspace_id: "github.com/acme/shop", timestamp: at(9000) }),
    event({ type: "subagent.start", session_id: SESSION_ID, timestamp: at(31), data: subagent() }),
    sessionEnd(SESSION_ID, { timestamp: at(90) }),
  ]);
  await server.request("POST", "/api/events", { events: [{ id: "unusable", device_id: "laptop" }] });
  await sql`
    UPDATE sessions SET transcript_s3_key = 'transcripts/example.jsonl', parse_status = 'completed'
    WHERE id = ${SESSION_WITH_TRANSCRIPT}`;
  await seedTranscript(server);
  await seedTranscriptFile(server);
  const price = { model: "claude-opus-5", provider: "anthropic", from: "2026-07-24", input: 5, output: 25 };
  await addResponses(sql, [
    { key: "msg_02", session_id: SESSION_ID, model: "house-model", at: at(20), input: 900 },
  ]);
  await server.request("PUT", "/api/prices", { ...price, source: "the provider's page" });
  await seedStorage(server);
  await seedKeys(server);
  await seedRemoteEnvs(server);
  await seedJobs(server);
}

async function seedTranscript(server: TestServer): Promise<void> {
  const { sql } = server;
  const bash = call("toolu_01", "Bash", { command: "bun test" });
  const file_id = await addMessages(sql, {
    session_id: SESSION_ID,
    messages: [
      { id: "9b1c7f0e2d5a4c6f8e3b1a0d7c9f5e21", kind: "prompt", blocks: [text("Greet the visitor")] },
      { id: MESSAGE_ID, kind: "assistant", response_key: "msg_01", blocks: [text("I run the tests."), bash] },
    ],
  });
  await addCall(sql, file_id, {
    ...{ session_id: SESSION_ID, call_id: "toolu_01", tool: "Bash", command: "bun test", exit_code: 0 },
    ...{ message_id: MESSAGE_ID, called_at: at(1), returned_at: at(9) },
    touches: [{ path: "/home/ada/site/greeting.ts", reads: 1, writes: 2, added: 12, removed: 3 }],
  });
  await addResponse(sql, { session_id: SESSION_ID, key: "msg_01" });
  await deriveSession(server.current().pools.deferrable, SESSION_ID);
  await indexStored(sql);
}

async function seedTranscriptFile(server: TestServer): Promise<void> {
  const query = "agent=claude-code&device_id=laptop&file=main.jsonl";
  const image = { type: "image", source: { type: "base64", media_type: "image/png", data: PNG } };
  const content = [{ type: "text", text: "Greet the visitor" }, image];
  const input = { command: "git commit -m Greet" };
  const lines = [
    { type: "user", uuid: "u1", timestamp: at(60), message: { content } },
    {
      ...{ type: "assistant", uuid: "a1", timestamp: at(61) },
      message: {
        id: "msg_03",
        model: "house-model",
        content: [{ type: "tool_use", id: "toolu_02", name: "Bash", input }],
      },
    },
    {
      ...{ type: "user", uuid: "u2", timestamp: at(62) },
      message: {
        content: [{ type: "tool_result", tool_use_id: "toolu_02", content: "[main c0ffee1] Greet" }],
      },
    },
  ];
  const path = `/api/sessions/${SESSION_WITH_TRANSCRIPT}/transcript/append?${query}`;
  await server.request("POST", path, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  const database = server.current().pools.deferrable;
  await parseSession({ database, blobs: createPostgresBlobStore(database) }, SESSION_WITH_TRANSCRIPT);
  await server.sql`UPDATE transcript_files SET deletes_at = now() + interval '7 days'`;
  await server.sql`INSERT INTO session_tombstones (session_id) VALUES ('deleted-session')`;
  await putDeviceReport(server.sql, {
    ...{ device_id: "laptop", sent_at: new Date().toISOString(), client_version: "0.1.0" },
    hooks: [{ name: "claude-code", runs: 50, median_ms: 3.9, p99_ms: 7.2 }],
    agents: [{ agent: "claude-code", files: 214, bytes: 801_443_210, next_deletion_at: at(9_000) }],
  });
}

async function seedStorage({ sql }: TestServer): Promise<void> {
  await sampleStorage(sql);
  await sql`UPDATE storage_samples SET sampled_at = now() - interval '2 days', day = day - 2`;
  await sql`INSERT INTO workspace_retention (workspace_id, raw_days) VALUES (${WORKSPACE_ID}, 90)`;
  await sql`
    INSERT INTO retention_changes (workspace_id, raw_days, actor) VALUES (${WORKSPACE_ID}, 90, 'environment')`;
}

async function seedKeys(server: TestServer): Promise<void> {
  const { sql } = server;
  const { body } = await server.request("POST", "/api/keys", { scope: "read", name: "dashboard" });
  await sql`UPDATE api_keys SET id = '01JP9Z000000000000000000K1' WHERE id = ${body.id}`;
  await server.request("POST", "/api/devices/enrolment-codes");
  await sql`UPDATE enrolment_codes SET hash = decode(${hashOfTypedCode(ENROLMENT_CODE)}, 'base64')`;
  await insertLink(sql, { hash: hashOf(SIGN_IN_TOKEN), life_s: LINK_LIFE_S });
}

async function seedRemoteEnvs(server: TestServer): Promise<void> {
  const { sql } = server;
  const env = { workspace_id: WORKSPACE_ID, instance_type: "small", region: "eu-central", blueprint: {} };
  await server.request("POST", "/api/remote-envs", env);
  await sql`UPDATE remote_envs SET id = '01JP9Z000000000000000000E1'`;
  await server.request("POST", "/api/blueprints", { name: "small machine", config: { memory_gb: 4 } });
  await sql`UPDATE blueprints SET id = '01JP9Z000000000000000000B1'`;
}

function subagent() {
  return { session_id: SESSION_ID, agent_id: "agent-1", agent_type: "reviewer" };
}

async function seedJobs({ sql }: TestServer): Promise<void> {
  await sql`
    INSERT INTO job_schedules (name, cron, time_zone, next_at, last_at, updated_at)
    VALUES ('prune', '0 * * * *', 'UTC', now() + interval '1 hour', now(), now())`;
  await sql`
    INSERT INTO jobs (id, queue, type, payload, status, attempts, last_error, failed_at, failure_kind, dlq_reason,
      dlq_failed_at, run_at) OVERRIDING SYSTEM VALUE
    VALUES (7000000001, 'recurring', 'prune', '{"due_ms": 1764000000000}', 'failed', 3, 'Error: connection lost', now(),
        'attempts_exhausted', 'Error: connection lost', now(), '-infinity'),
      (7000000002, 'recurring', 'prune', '{"due_ms": 1764003600000}', 'queued', 0, NULL, NULL, NULL, NULL, NULL,
        now() + interval '1 hour')`;
  await sql`
    INSERT INTO jobs (id, queue, type, payload, status, lease_generation, lease_token, lease_expires_at, heartbeat_at,
      locked_at, locked_by) OVERRIDING SYSTEM VALUE
    VALUES (7000000003, 'recurring', 'repair-ingest', '{"due_ms": 1764000060000}', 'running', 2, gen_random_uuid(),
      now() + interval '1 hour', now(), now() - interval '1 minute', 'worker-1')`;
  await sql`
    INSERT INTO job_steps (job_id, name, kind, created_at, finished_at, output)
    VALUES (7000000003, 'sessions', 'step', now(), now(), '{"repaired": 2}')`;
  await sql`
    INSERT INTO job_attempts (job_id, lease_generation, attempt, started_at, ended_at, worker_id, outcome)
    VALUES (7000000003, 1, 1, now() - interval '3 minutes', now() - interval '2 minutes', 'worker-2', 'lease_lost')`;
  await sql`
    INSERT INTO job_logs (job_id, line, logged_at, level, message, fields)
    VALUES (7000000003, 1, now(), 'info', 'repaired sessions', '{"count": 2}')`;
}
