import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createJobRunner } from "@wharf/job-runner";
import { until } from "@wharf/testkit";
import { setupApp } from "../../__tests__/setup-app.ts";
import { type Database, openDatabase } from "../../db/database.ts";
import type { SummaryMaterial } from "../../db/summaries/material.ts";
import { createSummaryJob, SUMMARY_QUEUE } from "../../jobs/summarize-session.ts";
import { createLogger } from "../../logger.ts";
import { addMessages, text } from "../../transcripts/__tests__/add-messages.ts";
import { askModel } from "../ask-model.ts";
import { summarizeSessions } from "../summarize-sessions.ts";

const server = setupApp();
let pool: Database;
let respond: (request: Request) => Response | Promise<Response> = () => new Response("{}");
const received: { path: string; headers: Headers; body: Record<string, unknown> }[] = [];
const endpoint = Bun.serve({
  port: 0,
  fetch: async (request) => {
    const body = JSON.parse(await request.clone().text());
    received.push({ path: new URL(request.url).pathname, headers: request.headers, body });
    return respond(request);
  },
});

beforeAll(() => {
  pool = openDatabase(server.url, { deadlineMs: 10_000, max: 4 });
});
afterAll(async () => {
  await pool.close();
  await endpoint.stop(true);
});

const anthropic = { url: `${endpoint.url.origin}/v1/messages`, apiKey: "key-1", model: "claude-haiku-4-5" };
const openAi = { url: `${endpoint.url.origin}/v1/chat/completions`, apiKey: "key-2", model: "gpt-5.5" };
const logger = createLogger("silent", false);
const signal = new AbortController().signal;
const material: SummaryMaterial = {
  ...{ id: "s-1", is_edited: false, title: "Greet", prompts: ["Greet the visitor"], prompt_count: 1 },
  ...{
    last_answer: "Done.",
    files: [],
    file_count: 0,
    commands: [],
    command_count: 0,
    commits: [],
    commit_count: 0,
  },
};

const answerOf = (content: string) => ({
  model: "claude-haiku-4-5-20251001",
  content: [{ type: "text", text: content }],
  usage: { input_tokens: 1_000, output_tokens: 100 },
});

describe("an endpoint", () => {
  test("of Anthropic's messages gets the notes of a session and answers with a summary", async () => {
    respond = () => Response.json(answerOf(" The agent greets visitors. "));
    expect(await askModel(anthropic, material, signal)).toEqual({
      summary: "The agent greets visitors.",
      model: "claude-haiku-4-5-20251001",
      tokens_in: 1_000,
      tokens_out: 100,
    });
    const request = received.at(-1);
    expect(request?.headers.get("x-api-key")).toBe("key-1");
    expect(request?.body).toMatchObject({ model: "claude-haiku-4-5", messages: [{ role: "user" }] });
    expect(JSON.stringify(request?.body)).toContain("Greet the visitor");
  });

  test("of chat completions is asked in its own words", async () => {
    respond = () =>
      Response.json({
        choices: [{ message: { role: "assistant", content: "Greets." } }],
        usage: { prompt_tokens: 5, completion_tokens: 2 },
      });
    const expected = { summary: "Greets.", model: "gpt-5.5", tokens_in: 5, tokens_out: 2 };
    expect(await askModel(openAi, material, signal)).toEqual(expected);
    expect(received.at(-1)?.headers.get("authorization")).toBe("Bearer key-2");
  });

  test("that answers with something else fails without what it answered or the key", async () => {
    const answers: [() => Response, string][] = [
      [() => Response.json({ secret: "hidden" }), "is not a summary"],
      [() => new Response("<html>hidden</html>"), "is not a summary"],
      [() => Response.json(answerOf("  ")), "is not a summary"],
      [() => new Response("x".repeat(2_000_000)), "too large"],
      [() => new Response("hidden", { status: 401 }), "responded with 401"],
      [() => new Response("hidden", { status: 529 }), "responded with 529"],
      [() => Response.redirect("http://127.0.0.1:9/"), ""],
    ];
    for (const [answer, message] of answers) {
      respond = answer;
      const error: unknown = await askModel(anthropic, material, signal).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(Error);
      expect(String(error)).toContain(message);
      expect(Bun.inspect(error)).not.toMatch(/hidden|key-1|Greet the visitor/);
    }
  });

  test("that does not answer is left at the deadline", async () => {
    respond = () => new Promise(() => undefined);
    await expect(askModel(anthropic, material, signal, 50)).rejects.toThrow();
  });
});

describe("with an endpoint, a session", () => {
  async function summarizeWith(answer: Response): Promise<Record<string, unknown> | undefined> {
    const checked = Promise.withResolvers<void>();
    respond = async () => {
      await checked.promise;
      return answer;
    };
    await addMessages(server.sql, {
      session_id: "s-1",
      messages: [{ id: "m1", kind: "prompt", blocks: [text("Greet")] }],
    });
    await server.sql`
      UPDATE sessions SET lifecycle = 'ended', ended_at = now(), last_heard_at = now() - interval '1 hour'`;
    await server.sql`UPDATE transcript_files SET last_received_at = now() - interval '1 hour'`;
    const job = createSummaryJob(pool, anthropic);
    const runner = createJobRunner({ sql: pool, logger, jobs: [job], queues: { [SUMMARY_QUEUE]: 1 } });
    const askLater = (session_id: string) => runner.enqueue(job, { session_id });
    await runner.start();
    try {
      await summarizeSessions({ database: pool, askModel: askLater }, signal);
      const [waiting] = await server.sql`SELECT lifecycle, summary FROM sessions`;
      expect(waiting).toEqual({ lifecycle: "parsed", summary: "Prompts:\n- Greet" });
      expect(await summarizeSessions({ database: pool, askModel: askLater }, signal)).toBe(0);
      checked.resolve();
      await until(async () => {
        const [row] = await server.sql`SELECT lifecycle FROM sessions`;
        return row?.["lifecycle"] === "summarized";
      });
    } finally {
      await runner.drain(1_000);
    }
    const [row] = await server.sql`
      SELECT summary, k.source, k.model, k.tokens_in::int, k.tokens_out::int, k.cost_usd::float8
      FROM sessions s JOIN session_summaries k ON k.session_id = s.id`;
    return row;
  }

  test("has the model's summary, with what it cost", async () => {
    const row = await summarizeWith(Response.json(answerOf("Greets visitors.")));
    expect(row).toEqual({
      ...{ summary: "Greets visitors.", source: "model", model: "claude-haiku-4-5-20251001" },
      ...{ tokens_in: 1_000, tokens_out: 100, cost_usd: 0.0015 },
    });
  });

  test("keeps its plain summary when the endpoint refuses", async () => {
    const row = await summarizeWith(new Response("no", { status: 401 }));
    expect(row).toMatchObject({ summary: "Prompts:\n- Greet", source: "plain", model: null });
  });
});
