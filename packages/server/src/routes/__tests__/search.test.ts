import { describe, expect, test } from "bun:test";
import { FOUND_MESSAGES_MAX, type FoundMessages } from "@wharf/protocol";
import fc from "fast-check";
import { setupApp } from "../../__tests__/setup-app.ts";
import { createPostgresBlobStore } from "../../blobs/postgres-store.ts";
import { openConnection } from "../../db/connection.ts";
import { indexStored } from "../../search/__tests__/index-stored.ts";
import { indexSessions } from "../../search/index-sessions.ts";
import { splitText } from "../../search/split-text.ts";
import { writeDocuments } from "../../search/write-documents.ts";
import {
  addMessages,
  type BlockToAdd,
  call,
  type MessageToAdd,
  text,
} from "../../transcripts/__tests__/add-messages.ts";
import { storeFile } from "../../transcripts/__tests__/store-file.ts";
import { parseSession } from "../../transcripts/parse/parse-session.ts";

const server = setupApp();

let added = 0;
const nextId = () => {
  added += 1;
  return `m${added}`;
};

/** A session with these messages; a string is a prompt. */
async function addSession(
  id: string,
  messages: readonly (string | Omit<MessageToAdd, "id">)[],
  device_id = "laptop",
): Promise<void> {
  await addMessages(server.sql, {
    session_id: id,
    device_id,
    messages: messages.map((message) => ({
      id: nextId(),
      ...(typeof message === "string" ? { kind: "prompt", blocks: [text(message)] } : message),
    })),
  });
  await indexStored(server.sql);
}

const output = (result_text: string, is_error = false): BlockToAdd => ({
  block_type: "tool_result",
  result_text,
  is_error,
});

async function search(q: string, parameters = "") {
  const { status, body } = await server.request("GET", `/api/search?q=${encodeURIComponent(q)}${parameters}`);
  expect([status, body.detail]).toEqual([200, undefined]);
  return body;
}

// biome-ignore lint/suspicious/noExplicitAny: a test states the fields that it expects.
const idsOf = (body: any): string[] =>
  body.results.map(({ session }: { session: { id: string } }) => session.id);
const find = async (q: string) => idsOf(await search(q));

describe("words", () => {
  test("are found in prompts, answers, thinking, commands, paths and output", async () => {
    await addSession("s", [
      "Bananas please",
      { kind: "assistant", blocks: [text("Cherries then")] },
      { kind: "assistant", blocks: [{ block_type: "thinking", thinking_text: "Grapes instead" }] },
      {
        kind: "assistant",
        blocks: [call("c1", "Bash", { command: "make durian", nested: { list: ["fig"] } })],
      },
      { kind: "tool_result", blocks: [output("built elderberry.o")] },
      { kind: "compaction", blocks: [text("Talked of honeydew")] },
    ]);
    const kinds = ["bananas", "cherries", "grapes", "durian", "fig", "elderberry", "honeydew"].map(
      async (word) => {
        const { results } = await search(word);
        return [word, results[0]?.kind];
      },
    );
    expect(await Promise.all(kinds)).toEqual([
      ["bananas", "prompt"],
      ["cherries", "answer"],
      ["grapes", "thinking"],
      ["durian", "tool_input"],
      ["fig", "tool_input"],
      ["elderberry", "tool_output"],
      ["honeydew", "summary"],
    ]);
  });

  test("are not found in what the agent adds for the model, nor in copies of another session's messages", async () => {
    await addSession("s", [
      { kind: "context", blocks: [text("kumquat")] },
      { kind: "prompt", is_copy: true, blocks: [text("lychee")] },
    ]);
    expect([await find("kumquat"), await find("lychee")]).toEqual([[], []]);
  });

  test("are found at the beginning and at the end of a long output, and not in its middle", async () => {
    const filler = "x ".repeat(10_000);
    await addSession("s", [
      { kind: "tool_result", blocks: [output(`mango ${filler} nectarine ${filler} olive`)] },
    ]);
    expect([await find("mango"), await find("nectarine"), await find("olive")]).toEqual([["s"], [], ["s"]]);
  });

  test("of any text find its session", async () => {
    const word = fc.oneof(
      fc.string({ minLength: 1, maxLength: 12 }),
      fc.string({ unit: "binary", minLength: 1, maxLength: 8 }),
      fc.constantFrom(
        "fetchSomeData",
        "get_user_id",
        "src/a/b.ts",
        "C:\\x",
        "日本語",
        "don't",
        "a&b|!c",
        "-flag",
        "über",
      ),
    );
    const texts = fc.sample(fc.array(word, { minLength: 1, maxLength: 8 }), { numRuns: 25, seed: 7 });
    const stored = texts.map((words) => words.join(" ").replaceAll("\0", ""));
    for (const [index, written] of stored.entries())
      await addSession(`s${index}`, [{ kind: "tool_result", blocks: [output(written)] }]);
    for (const [index, written] of stored.entries())
      for (const { atoms } of splitText(written).slice(0, 4)) {
        const token = written.slice(atoms[0]?.start, atoms.at(-1)?.end);
        const { results } = await search(`"${token}"`, "&limit=100");
        expect([token, idsOf({ results })]).toEqual([token, expect.arrayContaining([`s${index}`])]);
      }
  });
});

describe("names and paths", () => {
  test("are found whole, by their beginning, by their parts and by a part within", async () => {
    await addSession("s", [
      { kind: "assistant", blocks: [call("c", "Edit", { file_path: "src/api/fetchSomeData.test.ts" })] },
    ]);
    await addSession("other", ["some other words on data"]);
    for (const q of [
      "fetchSomeData",
      "fetchSo",
      "someData",
      "omeDat",
      "fetch_some_data",
      "src/api",
      "api/fetchSomeData.test.ts",
    ])
      expect([q, (await find(q))[0]]).toEqual([q, "s"]);
    expect((await search("fetchSomeData")).tier).toBe("exact");
  });

  test("are marked in the fragment", async () => {
    await addSession("s", [
      { kind: "tool_result", blocks: [output("TypeError in src/api/client.ts:12 at getUserId")] },
    ]);
    const marked = async (q: string) => {
      const [{ text: shown, marks }] = (await search(q)).results[0].fragments;
      return marks.map(([from, to]: [number, number]) => shown.slice(from, to));
    };
    expect(await marked("src/api/client.ts")).toEqual(["src/api/client.ts"]);
    expect(await marked("typeerror getUser")).toEqual(["TypeError", "getUserId"]);
  });
});

describe("questions", () => {
  test("find all words in any form before some of them, each session once", async () => {
    await addSession("some", ["connections are slow", "the proxy", "slow again"]);
    await addSession("all", ["connecting through the proxies is slow"]);
    const body = await search("why is the connection over a proxy slow?");
    expect(idsOf(body)).toEqual(["all", "some"]);
    expect(body.results.map(({ tier }: { tier: string }) => tier)).toEqual(["all_words", "any_word"]);
  });

  test("with a misspelled word find its close spellings at the end, and the response names the tier", async () => {
    await addSession("s", ["tune the kubernetes autoscaler"]);
    const body = await search("kuberntes");
    expect([idsOf(body), body.tier]).toEqual([["s"], "close_spelling"]);
    expect(body.results[0].fragments[0].marks).toEqual([[9, 19]]);
  });

  test("prefer what a person wrote to what a program printed", async () => {
    await addSession("printed", [{ kind: "tool_result", blocks: [output("papaya")] }]);
    await addSession("written", ["papaya"]);
    expect(await find("papaya")).toEqual(["written", "printed"]);
  });
});

describe("the query language", () => {
  test("finds phrases, and leaves out excluded words", async () => {
    await addSession("phrase", ["the race condition in the queue"]);
    await addSession("apart", ["the condition of a race"]);
    expect(await find('"race condition"')).toEqual(["phrase"]);
    expect(await find("race -queue")).toEqual(["apart"]);
    expect(await find('condition -"race condition"')).toEqual(["apart"]);
  });

  test("filters by tool, kind, error, agent, device, workspace, time and file", async () => {
    await addSession("bash", [
      { kind: "assistant", blocks: [call("c", "Bash", { command: "deploy quince" })] },
      { kind: "tool_result", blocks: [output("quince failed", true)] },
    ]);
    await addSession(
      "edit",
      [
        "quince",
        { kind: "assistant", blocks: [call("d", "mcp__files__edit", { file_path: "/src/quince.ts" })] },
      ],
      "desk",
    );
    const cases: [string, string[]][] = [
      ["quince tool:bash", ["bash"]],
      ["quince tool:files", ["edit"]],
      ["quince has:error", ["bash"]],
      ["quince is:prompt", ["edit"]],
      ["quince device:DESK", ["edit"]],
      ["quince device:nothing", []],
      ["quince agent:codex", []],
      ["quince tool:bash workspace:acme/site agent:claude-code", ["bash"]],
      ["quince workspace:w -failed", ["edit", "bash"]],
      ["quince workspace:git@github.com:acme/site.git -failed", ["edit", "bash"]],
      ["quince workspace:elsewhere", []],
      ["quince after:2025-03-15", []],
      ["quince tool:bash before:2025-03-15 after:2025-03-14T09:00:00Z", ["bash"]],
      ["file:quince.ts", ["edit"]],
      ["file:src/quince.ts is:prompt", ["edit"]],
      ["tool:bash", ["bash"]],
      ["quince -tool:bash", ["edit", "bash"]],
      ["quince -tool:bash -has:error", ["edit"]],
      ["quince -is:tool_input -is:tool_output", ["edit"]],
      ["quince -device:desk", ["bash"]],
      ["quince -device:nothing -workspace:elsewhere -agent:codex", ["edit", "bash"]],
      ["quince -agent:claude-code", []],
      ["-tool:bash -has:error", ["edit"]],
    ];
    for (const [q, expected] of cases) expect([q, await find(q)]).toEqual([q, expected]);
  });

  test("filters by a model or a part of its name", async () => {
    await addSession("s", [{ kind: "assistant", blocks: [text("raspberry")] }]);
    await server.sql`UPDATE transcript_messages SET model = 'claude-sonnet-4-5-20250929'`;
    await indexStored(server.sql);
    const models = ["model:sonnet", "model:claude-sonnet-4-5-20250929", "model:sonnet-4", "model:opus"];
    expect(await Promise.all(models.map((model) => find(`raspberry ${model}`)))).toEqual([
      ["s"],
      ["s"],
      ["s"],
      [],
    ]);
    expect([await find("raspberry -model:sonnet"), await find("raspberry -model:opus")]).toEqual([[], ["s"]]);
  });

  test.each(["is:nothing", "has:luck", "before:soon"])(
    "refuses %s, and names what is possible",
    async (q) => {
      const { status, body } = await server.request("GET", `/api/search?q=${q}`);
      expect([status, body.code, body.errors[0].pointer]).toEqual([400, "VALIDATION_FAILED", "/q"]);
    },
  );

  test.each([
    "'; DROP TABLE sessions; --",
    "a & b | !c <-> d:*A",
    "\\' \\\\ %_ $1 {x}",
    "((((",
    "!!!",
    '"',
    "-",
    "-word",
    ":*",
    "tool:'x' workspace:\\",
    "\u{1f468}\u200d\u{1f469}",
    "\ud800",
  ])("takes %p for words", async (q) => {
    await addSession("s", ["harmless"]);
    const { status } = await server.request("GET", `/api/search?q=${encodeURIComponent(q.toWellFormed())}`);
    expect(status).toBe(200);
    expect(await find("harmless")).toEqual(["s"]);
  });

  test("answers an empty index, a word that is nowhere, and no words with no results", async () => {
    const nothing = { results: [], tier: null, next_cursor: null, has_more: false };
    expect(await search("anything")).toMatchObject(nothing);
    await addSession("s", ["something"]);
    expect(await search("zzzzzz")).toMatchObject(nothing);
    expect(await search("...")).toMatchObject(nothing);
    expect((await server.request("GET", "/api/search?q=")).status).toBe(400);
  });

  test("reads a query of 10 KB, and refuses a longer one", async () => {
    await addSession("s", ["starfruit"]);
    expect(await find(`starfruit ${"noise ".repeat(1_600)}`)).toEqual(["s"]);
    const long = await server.request("GET", `/api/search?q=${"x".repeat(10_241)}`);
    expect(long.status).toBe(400);
  });
});

describe("scripts without spaces", () => {
  test("are found by words of one, two and more characters", async () => {
    await addSession("ja", ["検索の日本語テスト"]);
    await addSession("zh", ["数据库连接超时"]);
    await addSession("ko", ["데이터베이스 연결"]);
    const cases: [string, string[]][] = [
      ["日本語", ["ja"]],
      ["テスト", ["ja"]],
      ["日", ["ja"]],
      ["连接", ["zh"]],
      ["连接超时", ["zh"]],
      ["时", ["zh"]],
      ["데이터", ["ko"]],
    ];
    for (const [q, expected] of cases) expect([q, await find(q)]).toEqual([q, expected]);
  });
});

describe("pages", () => {
  test("show each session once, although others come in between", async () => {
    for (let index = 0; index < 7; index += 1)
      await addSession(`s${index}`, [`tangerine ${"x ".repeat(index)}`]);
    const first = await search("tangerine", "&limit=3");
    expect([first.results.length, first.has_more]).toEqual([3, true]);
    await addSession("late", ["tangerine", "tangerine"]);
    const second = await search("tangerine", `&limit=3&cursor=${first.next_cursor}`);
    const third = await search("tangerine", `&limit=3&cursor=${second.next_cursor}`);
    const shown = [...idsOf(first), ...idsOf(second), ...idsOf(third)];
    expect(shown.toSorted()).toEqual(["late", "s0", "s1", "s2", "s3", "s4", "s5", "s6"]);
    expect([third.has_more, third.next_cursor]).toEqual([false, null]);
  });

  test("refuse the cursor of another query", async () => {
    for (const id of ["a", "b"]) await addSession(id, ["ugli fruit"]);
    const { next_cursor } = await search("ugli", "&limit=1");
    const { status, body } = await server.request("GET", `/api/search?q=fruit&cursor=${next_cursor}`);
    expect([status, body.code]).toEqual([400, "CURSOR_INVALID"]);
  });
});

describe("sessions", () => {
  test("that are deleted are not found, and nothing of them stays", async () => {
    await addSession("s", ["watermelon"]);
    await server.sql`UPDATE sessions SET deleted_at = now() WHERE id = 's'`;
    expect(await find("watermelon")).toEqual([]);
    await server.sql`UPDATE sessions SET deleted_at = NULL WHERE id = 's'`;
    expect((await server.request("DELETE", "/api/sessions/s")).status).toBe(204);
    expect(await server.sql`SELECT 1 FROM search_documents`).toHaveLength(0);
  });

  test("are found by title, summary, first prompt and commits, once the job has run", async () => {
    await addSession("s", ["something"]);
    await server.sql`UPDATE sessions SET title = 'Xigua harvest', summary = 'Yams were planted', initial_prompt = 'zucchini' WHERE id = 's'`;
    await server.sql`
      INSERT INTO git_activity (id, workspace_id, device_id, session_id, type, message, timestamp)
      VALUES ('g', 'w', 'laptop', 's', 'commit', 'Water the artichokes', '2025-03-14T11:00:00Z')`;
    expect(await find("xigua")).toEqual([]);
    await indexSessions(server.current().pools.deferrable);
    const found = await Promise.all(
      ["xigua", "yam", "artichoke"].map(async (q) => (await search(q)).results[0]),
    );
    expect(found.map(({ kind, message_id, fragments }) => [kind, message_id, fragments[0].text])).toEqual([
      ["title", null, "Xigua harvest"],
      ["summary", null, "Yams were planted"],
      ["commit", null, "Water the artichokes"],
    ]);
    // A session with a transcript has its first prompt as a message.
    expect(await find("zucchini")).toEqual([]);
    await server.sql`UPDATE sessions SET title = 'Plain' WHERE id = 's'`;
    await indexSessions(server.current().pools.deferrable);
    expect([await find("xigua"), await find("plain")]).toEqual([[], ["s"]]);
  });

  test("that move to another workspace are found there", async () => {
    await addSession("s", ["broccoli"]);
    await server.sql`INSERT INTO workspaces (id, canonical_id, display_name) VALUES ('w2', 'gitlab.com/acme/shop', 'shop')`;
    await server.sql`UPDATE sessions SET workspace_id = 'w2' WHERE id = 's'`;
    await indexSessions(server.current().pools.deferrable);
    expect([await find("broccoli workspace:shop"), await find("broccoli workspace:site")]).toEqual([
      ["s"],
      [],
    ]);
  });

  test("are listed by q in the order of the list, with its filters and pages", async () => {
    for (const [index, id] of ["first", "second", "third"].entries()) {
      await addSession(id, ["cauliflower soup"]);
      await server.sql`UPDATE sessions SET started_at = ${`2025-03-1${index}T00:00:00Z`}, tags = ${[id]} WHERE id = ${id}`;
    }
    await addSession("other", ["soup"]);
    const list = async (query: string) => (await server.request("GET", `/api/sessions?${query}`)).body;
    const first = await list("q=cauliflower+soup&limit=2");
    expect(first.sessions.map(({ id }: { id: string }) => id)).toEqual(["third", "second"]);
    const second = await list(`q=cauliflower+soup&limit=2&cursor=${first.next_cursor}`);
    expect(second.sessions.map(({ id }: { id: string }) => id)).toEqual(["first"]);
    expect((await list("q=cauliflower&tag=second")).sessions).toHaveLength(1);
    expect((await list("q=other")).sessions.map(({ id }: { id: string }) => id)).toEqual(["other"]);
    expect((await list("q=nowhere")).sessions).toEqual([]);
  });
});

describe("a find in a session", () => {
  async function findIn(q: string, parameters: Record<string, string> = {}, id = "s") {
    const query = new URLSearchParams({ q, ...parameters });
    return await server.request("GET", `/api/sessions/${id}/transcript/find?${query}`);
  }

  /** The messages that are found, by what follows the place: `kind: fragment` with the marks in brackets. */
  async function foundIn(q: string): Promise<string[]> {
    const { status, body } = await findIn(q);
    expect([status, body.detail]).toEqual([200, undefined]);
    const { found }: FoundMessages = body;
    return found.map(({ kind, fragment: { text, marks } }) => {
      const marked = marks.toReversed().reduce((all, [from, to]) => {
        return `${all.slice(0, from)}[${all.slice(from, to)}]${all.slice(to)}`;
      }, text);
      return `${kind}: ${marked}`;
    });
  }

  test("returns the messages with all words, in prose in any form, in their order, also those of subagents", async () => {
    await addMessages(server.sql, { session_id: "s", messages: [] });
    await server.sql`
      INSERT INTO subagents (id, session_id, agent_id, agent_type) VALUES ('sub', 's', 'agent-1', 'reviewer')`;
    await addSession("s", [
      "Fix the failing tests of the parser",
      { kind: "assistant", blocks: [text("The parser is fine.")] },
      { kind: "assistant", subagent_id: "sub", at_s: 2, blocks: [text("A test failed in the parser.")] },
      { kind: "tool_result", blocks: [output("parser.test.ts: 1 to fail, 1 fails")] },
      { kind: "assistant", blocks: [text("No longer"), text("the test of the parser does not fail")] },
    ]);
    await addSession("other", ["Fix the failing tests of the parser"]);
    const found = await foundIn("parser fail test");
    expect(found).toEqual([
      "prompt: Fix the [failing] [tests] of the [parser]",
      "answer: A [test] [failed] in the [parser].",
      "tool_output: [parser].[test].ts: 1 to [fail], 1 [fails]",
      "answer: the [test] of the [parser] does not [fail]",
    ]);
    expect(await foundIn("fail pars")).toEqual(await foundIn("fail parser"));
    expect(await foundIn("pars fail")).toEqual([]);
    expect(await foundIn('"parser does"')).toEqual(["answer: the test of the [parser does] not fail"]);
    expect(await foundIn("fail -fix is:answer")).toHaveLength(2);
    const { body } = await findIn("parser failed");
    expect(body.found.map(({ subagent_id }: FoundMessages["found"][number]) => subagent_id)).toEqual([
      ...[null, "sub", null, null],
    ]);
  });

  test("is the same in pages of any size, with its total on each", async () => {
    const turns = Array.from({ length: 7 }, (_, n) => [`radish ${n}`, "turnip"]).flat();
    await addSession("s", turns);
    const { body: whole } = await findIn("radish", { limit: "200" });
    expect(whole).toMatchObject({ total: 7, has_more: false, next_cursor: null });
    expect(whole.found).toHaveLength(7);
    for (const limit of ["1", "3", "7"]) {
      const found: unknown[] = [];
      for (let cursor: string | null = ""; cursor !== null; ) {
        const { body } = await findIn("radish", { limit, cursor });
        expect(body.total).toBe(7);
        expect(body.found.length).toBeLessThanOrEqual(Number(limit));
        found.push(...body.found);
        cursor = body.next_cursor;
      }
      expect(found).toEqual(whole.found);
    }
    const { body: first } = await findIn("radish", { limit: "3" });
    for (const [q, id] of [
      ["turnip", "s"],
      ["radish", "other"],
    ] as const)
      expect(await findIn(q, { cursor: first.next_cursor }, id)).toMatchObject({ status: 400 });
    for (const limit of ["0", "201", "x"]) expect((await findIn("radish", { limit })).status).toBe(400);
  });

  test("counts up to a thousand messages, and reads all of them", async () => {
    await addSession("s", Array<string>(FOUND_MESSAGES_MAX + 5).fill("okra"));
    let found = 0;
    for (let cursor: string | null = ""; cursor !== null; ) {
      const { body } = await findIn("okra", { limit: "200", cursor });
      expect(body.total).toBe(FOUND_MESSAGES_MAX);
      found += body.found.length;
      cursor = body.next_cursor;
    }
    expect(found).toBe(FOUND_MESSAGES_MAX + 5);
  });

  test("takes patterns, operators and quotes as text", async () => {
    const lines = [
      "100%_done (a+)+$ it's",
      "x' OR '1'='1",
      "!a & b | c:* <-> d",
      "back\\slash",
      "emoji 🥕 carrot",
    ];
    await addSession("s", lines);
    expect(await foundIn("100%_done")).toEqual(["prompt: [100]%[_done] (a+)+$ it's"]);
    expect(await foundIn("'1'='1")).toEqual(["prompt: x' OR '[1]'='[1]"]);
    expect(await foundIn("back\\slash")).toEqual(["prompt: [back\\slash]"]);
    expect(await foundIn("a:b:c:")).toEqual(["prompt: ![a] & [b] | [c]:* <-> d"]);
    expect(await foundIn("🥕 carr")).toEqual(["prompt: emoji 🥕 [carrot]"]);
    const nothing = [
      "%",
      "_",
      ".*",
      "(((((",
      "'",
      '"',
      '"""',
      "\\",
      ":*",
      "<->",
      "!!!",
      "& |",
      "\ud800",
      "()",
    ];
    for (const q of nothing) expect([q, await foundIn(q)]).toEqual([q, []]);
    for (const q of ["(a+)+$".repeat(1_700), "a ".repeat(5_000), '"'.repeat(10_000), "-".repeat(10_000)])
      expect((await findIn(q)).status).toBe(200);
    for (const q of ["", "\0", "x".repeat(10_241)]) expect((await findIn(q)).status).toBe(400);
    expect(await findIn("is:fruit radish")).toMatchObject({
      status: 400,
      body: { code: "VALIDATION_FAILED" },
    });
  });

  test("returns an empty page where nothing is found, and 404 for an unknown or deleted session", async () => {
    await addSession("s", ["celery"]);
    const empty = { found: [], total: 0, next_cursor: null, has_more: false };
    for (const q of ["chard", "celery chard", "the", "-celery"]) {
      const { status, body } = await findIn(q);
      expect([q, status, body]).toEqual([q, 200, empty]);
    }
    expect((await findIn("celery", {}, "none")).status).toBe(404);
    await server.request("DELETE", "/api/sessions/s");
    expect((await findIn("celery")).status).toBe(404);
  });
});

describe("documents", () => {
  test("are the same when a step is repeated, and are replaced when a message is written again", async () => {
    await addSession("s", ["daikon", { kind: "tool_result", blocks: [output("x"), output("y")] }]);
    const documents = () =>
      server.sql`SELECT message_id, block, kind, tsv::text FROM search_documents ORDER BY 1, 2`;
    const before = [...(await documents())];
    await indexStored(server.sql);
    expect([...(await documents())]).toEqual(before);
    const [{ id } = { id: "" }] = await server.sql<
      { id: string }[]
    >`SELECT id FROM transcript_messages ORDER BY ordinal LIMIT 1`;
    const connection = openConnection(server.sql);
    await writeDocuments(connection.query, {
      messages: [{ id, kind: "prompt", model: null, is_copy: false }],
      blocks: [],
    });
    await connection.close();
    expect(await find("daikon")).toEqual([]);
  });

  test("are written by the steps that parse a transcript", async () => {
    const database = server.current().pools.ingest;
    const stored = { database, blobs: createPostgresBlobStore(database) };
    const record = (uuid: string, content: string) =>
      `${JSON.stringify({ type: "user", uuid, timestamp: "2025-03-14T10:00:00Z", sessionId: "s", message: { role: "user", content } })}\n`;
    for (const part of [record("u1", "cook rutabaga"), record("u2", "then the radicchio")]) {
      await storeFile(server.sql, stored.blobs, { session_id: "s", agent: "claude-code", parts: [part] });
      await parseSession(stored, "s");
    }
    expect([await find("rutabaga"), await find("radicchio")]).toEqual([["s"], ["s"]]);
    expect(await server.sql`SELECT 1 FROM search_documents WHERE message_id IS NOT NULL`).toHaveLength(2);
  });

  test("hold no redaction marker as a word", async () => {
    await addSession("s", ["the key [REDACTED:aws-access-key:0badcafe] is used"]);
    expect([await find("REDACTED"), await find("0badcafe"), await find('"key is used"')]).toEqual([
      [],
      [],
      ["s"],
    ]);
  });
});
