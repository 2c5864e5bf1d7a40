import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, spyOn, test } from "bun:test";
import { createJobRunner, type JobRunner } from "@wharf/job-runner";
import { clearRows, TEST_TIMEOUT_MS, until } from "@wharf/testkit";
import pino from "pino";
import { requestReading } from "../../db/transcripts/read-again.ts";
import { createParseJob, type ParseJob } from "../../jobs/parse-transcript.ts";
import { OtherDeviceError, parseSession } from "../parse/parse-session.ts";
import { PARSERS } from "../parse/parsers.ts";
import { assistantLine, promptLine } from "./claude-lines.ts";
import { useParsing } from "./parsing.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const parsing = useParsing();
const logger = pino({ level: "silent" });
let job: ParseJob;
let runner: JobRunner;

beforeAll(async () => {
  job = createParseJob({
    ...parsing.current(),
    logger,
    sessionIdleMs: 3 * 3_600_000,
    enqueue: (session_id) => runner.enqueue(job, { session_id }),
  });
  runner = createJobRunner({
    dsn: parsing.url,
    jobs: [job],
    maxBackoffMs: 10,
    logger,
  });
  await runner.start();
});
afterEach(() => clearRows(parsing.sql));
afterAll(() => runner.drain());

const store = (file: string, device_id = "laptop") =>
  parsing.store({
    session_id: "a",
    agent: "claude-code",
    device_id,
    file,
    parts: [promptLine("a", `In ${file}`), assistantLine("a", { id: file })],
  });

async function parseByJob(): Promise<void> {
  const { id } = await runner.enqueue(job, { session_id: "a" });
  await until(async () => ["completed", "failed"].includes((await runner.get(id))?.status ?? ""));
}

const session = async () =>
  (
    await parsing.sql`SELECT lifecycle, parse_status, parse_error, response_count FROM sessions WHERE id = 'a'`
  )[0];

test("a session of old files alone is ended by the job that has parsed them", async () => {
  await store("old.jsonl");
  await parseByJob();
  expect(await session()).toMatchObject({ lifecycle: "ended", parse_status: "completed" });
});

test("a file whose bytes are damaged fails after its attempts, and the others are parsed; repaired, it is parsed too", async () => {
  const { file_id } = await store("broken.jsonl");
  await store("whole.jsonl");
  await parsing.sql`UPDATE transcript_segments SET stored_bytes = stored_bytes + 1 WHERE file_id = ${file_id}::bigint AND stored_start = 0`;
  await parseByJob();
  expect(await session()).toMatchObject({ lifecycle: "failed", parse_status: "failed", response_count: 1 });
  expect((await session())?.["parse_error"]).toContain("A stored blob is not what was put");

  await parsing.sql`UPDATE transcript_segments SET stored_bytes = stored_bytes - 1 WHERE file_id = ${file_id}::bigint AND stored_start = 0`;
  await parseByJob();
  expect(await session()).toMatchObject({ parse_status: "completed", parse_error: null, response_count: 2 });
});

test("a file of another device whose bytes are damaged is left with its lines unread, and fails nothing", async () => {
  await store("own.jsonl");
  const { file_id } = await store("broken.jsonl", "desk");
  await parsing.sql`UPDATE transcript_segments SET stored_bytes = stored_bytes + 1 WHERE file_id = ${file_id}::bigint AND stored_start = 0`;
  const readOfBroken = async () =>
    (
      await parsing.sql`
        SELECT parsed_bytes = stored_bytes AS is_done, parsed_lines = lines AS is_counted, (counts ->> 'unread')::int AS unread,
          (counts ->> 'records')::int AS records
        FROM transcript_generations WHERE file_id = ${file_id}::bigint`
    )[0];
  await expect(parseSession(parsing.current(), "a")).rejects.toThrow(OtherDeviceError);
  expect(await session()).toMatchObject({
    lifecycle: "detected",
    parse_status: "parsing",
    response_count: 1,
  });
  expect(await readOfBroken()).toMatchObject({ is_done: false });

  await parseByJob();
  expect(await session()).toMatchObject({
    ...{ lifecycle: "ended", parse_status: "completed", parse_error: null, response_count: 1 },
  });
  expect(await readOfBroken()).toMatchObject({ is_done: true, is_counted: true, unread: 2 });

  await store("broken.jsonl", "desk");
  await parseByJob();
  expect(await readOfBroken()).toMatchObject({ is_done: true, is_counted: true, unread: 2, records: 2 });
});

test("data that Postgres refuses fails its session with a reason that holds none of it", async () => {
  await store("main.jsonl");
  await parsing.sql.unsafe(
    "ALTER TABLE content_blocks ADD CONSTRAINT no_text CHECK (content_text IS NULL) NOT VALID",
  );
  try {
    await parseByJob();
  } finally {
    await parsing.sql.unsafe("ALTER TABLE content_blocks DROP CONSTRAINT no_text");
  }
  expect(await session()).toMatchObject({ lifecycle: "failed", parse_status: "failed" });
  expect((await session())?.["parse_error"]).toBeString();
  expect((await session())?.["parse_error"]).not.toContain("In main.jsonl");
  expect(await parsing.sql`SELECT FROM transcript_messages`).toHaveLength(0);
});

/** What becomes of the session, each time that a parse of it fails. */
async function recordFailures(): Promise<void> {
  await parsing.sql.unsafe(`
    CREATE TABLE failures (n INT GENERATED ALWAYS AS IDENTITY, lifecycle TEXT, parse_error TEXT);
    CREATE FUNCTION record_failure() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN INSERT INTO failures (lifecycle, parse_error) VALUES (NEW.lifecycle, NEW.parse_error); RETURN NULL; END $$;
    CREATE TRIGGER record_failures AFTER UPDATE ON sessions FOR EACH ROW WHEN (NEW.parse_status = 'failed')
      EXECUTE FUNCTION record_failure()`);
}

test("a parser that throws fails its session at the last attempt, and a request to read it again repairs it", async () => {
  await store("main.jsonl");
  await store("other.jsonl");
  await recordFailures();
  const parser = PARSERS["claude-code"];
  const { open } = parser;
  const throwing = spyOn(parser, "open").mockImplementation((file, state) => {
    const reader = open(file, state);
    if (file.file !== "main.jsonl") return reader;
    return {
      ...reader,
      read: (record, line) => {
        if (line === 2) throw new TypeError(`cannot read ${JSON.stringify(record)}`);
        return reader.read(record, line);
      },
    };
  });
  try {
    await parseByJob();
  } finally {
    throwing.mockRestore();
  }
  const failures = await parsing.sql`SELECT lifecycle, parse_error FROM failures ORDER BY n`;
  await parsing.sql.unsafe("DROP TABLE failures; DROP FUNCTION record_failure CASCADE");
  const parse_error = "the parser failed (TypeError)";
  const failed = (lifecycle: string) => ({ lifecycle, parse_error });
  expect([...failures]).toEqual([...Array.from({ length: 4 }, () => failed("detected")), failed("failed")]);
  expect(await session()).toEqual({ ...failed("failed"), parse_status: "failed", response_count: 1 });

  expect(await requestReading(parsing.sql, "a")).toBe(true);
  expect(await session()).toMatchObject({
    lifecycle: "detected",
    parse_status: "pending",
    parse_error: null,
  });
  await parseByJob();
  expect(await session()).toMatchObject({
    lifecycle: "ended",
    parse_status: "completed",
    response_count: 2,
  });
  const texts = await parsing.sql`SELECT content_text FROM content_blocks ORDER BY 1`;
  expect(texts.map((row) => row["content_text"])).toEqual([
    "Done.",
    "Done.",
    "In main.jsonl",
    "In other.jsonl",
  ]);
});

test("a file with damaged times and records nested too deeply is parsed, and keeps its other records", async () => {
  const times = [
    "0000-01-01T00:00:00Z",
    "-000001-01-01T00:00:00Z",
    "275760-09-13T00:00:00Z",
    "1999-12-31T23:59:59-14:00",
  ];
  const damaged = ["user", "attachment", "of-another-version"].flatMap((type, index) => [
    ...times.map(
      (timestamp, at) =>
        `${JSON.stringify({ type, uuid: `${type}-${at}`, sessionId: "a", timestamp, message: { role: "user", content: "x" } })}\n`,
    ),
    `{"type":"${type}","uuid":"deep-${index}","x":${"[".repeat(100_000)}${"]".repeat(100_000)}}\n`,
  ]);
  await parsing.store({
    session_id: "a",
    agent: "claude-code",
    file: "main.jsonl",
    parts: [...damaged, promptLine("a", "In main.jsonl"), assistantLine("a", { id: "one" })],
  });
  await parseByJob();
  expect(await session()).toMatchObject({ parse_status: "completed", parse_error: null, response_count: 1 });
});
