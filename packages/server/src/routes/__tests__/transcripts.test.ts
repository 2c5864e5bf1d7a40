import { describe, expect, test } from "bun:test";
import { setupApp } from "../../__tests__/setup-app.ts";
import { PAGE_BYTES_MAX } from "../../db/reads/page-bytes.ts";
import { BLOCKS_PER_MESSAGE_MAX, TEXT_CHARACTERS_MAX } from "../../db/reads/transcripts/blocks.ts";
import {
  addCall,
  addMessages,
  addResponse,
  call,
  type MessageToAdd,
  text,
} from "../../transcripts/__tests__/add-messages.ts";

const server = setupApp();
const PATH = "/api/sessions/s/transcript";

const ask = async (query: Record<string, string> = {}, path = PATH) =>
  await server.request("GET", `${path}?${new URLSearchParams(query)}`);
const idsOf = (body: { messages: { id: string }[] }) => body.messages.map(({ id }) => id);

/** Two turns: the agent thinks, writes, calls a tool, and answers; the second is stopped by a person. */
const TURNS: readonly MessageToAdd[] = [
  { id: "ask", kind: "prompt", blocks: [text("Fix the greeting")] },
  { id: "context", kind: "context", blocks: [text("reminder")] },
  {
    id: "think",
    kind: "assistant",
    response_key: "r1",
    blocks: [{ block_type: "thinking", thinking_text: "hm" }],
  },
  { id: "plan", kind: "assistant", response_key: "r1", blocks: [text("I look first.")] },
  {
    id: "call",
    kind: "assistant",
    response_key: "r1",
    blocks: [call("c1", "Bash", { command: "ls\nls -l" })],
  },
  {
    id: "result",
    kind: "tool_result",
    blocks: [{ block_type: "tool_result", tool_result_id: "c1", result_text: "a.ts" }],
  },
  { id: "answer", kind: "assistant", response_key: "r2", blocks: [text("Done.")] },
  { id: "wrong", kind: "prompt", is_rewound: true, blocks: [text("No")] },
  { id: "wrong-answer", kind: "assistant", is_rewound: true, response_key: "r3", blocks: [text("Sorry")] },
  { id: "ask-2", kind: "prompt", blocks: [text("And the tests")] },
  {
    id: "call-2",
    kind: "assistant",
    response_key: "r4",
    blocks: [call("c2", "Read", { file_path: "/a.ts" })],
  },
  { id: "compaction", kind: "compaction", blocks: [text("So far: all good")] },
  { id: "last", kind: "assistant", response_key: "r5", blocks: [text("The tests pass.")] },
  { id: "end-note", kind: "system", blocks: [text("turn took 3 s")] },
];
const SHOWN = {
  story: ["ask", "answer", "ask-2", "compaction", "last"],
  steps: TURNS.filter(({ id }) => !["context", "think", "result", "end-note"].includes(id)).map(
    ({ id }) => id,
  ),
  full: TURNS.map(({ id }) => id),
};

async function addTurns(): Promise<void> {
  const file_id = await addMessages(server.sql, { session_id: "s", messages: TURNS });
  await addCall(server.sql, file_id, {
    ...{ session_id: "s", call_id: "c1", tool: "Bash", command: "ls\nls -l", exit_code: 2 },
    called_at: "2025-03-14T10:00:04Z",
  });
  await addCall(server.sql, file_id, {
    ...{ session_id: "s", call_id: "c2", tool: "Read", is_returned: false },
    touches: [{ path: "/a.ts", reads: 1 }],
  });
  for (const key of ["r1", "r2", "r3", "r4", "r5"]) await addResponse(server.sql, { session_id: "s", key });
}

describe("a transcript", () => {
  test("can be opened at its end, and has an outline of what was asked", async () => {
    await addTurns();
    const { body: end } = await ask({ density: "story", from: "end", limit: "2" });
    expect(idsOf(end)).toEqual(["compaction", "last"]);
    expect(end).toMatchObject({ next_cursor: null, has_more: false });
    const { body: before } = await ask({ density: "story", limit: "2", cursor: end.prev_cursor });
    expect(idsOf(before)).toEqual(["answer", "ask-2"]);

    const { body: first } = await ask({ limit: "1" }, "/api/sessions/s/outline");
    expect(first.prompts).toMatchObject([{ message_id: "ask", text: "Fix the greeting", is_rewound: false }]);
    const { body: others } = await ask({ cursor: first.next_cursor }, "/api/sessions/s/outline");
    expect(others.prompts.map(({ message_id }: { message_id: string }) => message_id)).toEqual([
      "wrong",
      "ask-2",
    ]);
    expect(others.has_more).toBe(false);
    const { status } = await ask({}, "/api/sessions/none/outline");
    expect(status).toBe(404);
  });

  for (const density of ["story", "steps", "full"] as const) {
    test(`at the density ${density} is the same in pages of any size, forwards and backwards`, async () => {
      await addTurns();
      const whole = await ask({ density, limit: "1000" });
      expect([whole.status, idsOf(whole.body)]).toEqual([200, SHOWN[density]]);
      expect(whole.body).toMatchObject({ next_cursor: null, prev_cursor: null, has_more: false });
      for (const limit of ["1", "2", "3", "5"]) {
        const pages: string[][] = [];
        let page = (await ask({ density, limit })).body;
        expect(page.prev_cursor).toBeNull();
        for (;;) {
          pages.push(idsOf(page));
          if (page.next_cursor === null) break;
          page = (await ask({ density, limit, cursor: page.next_cursor })).body;
        }
        expect(pages.flat()).toEqual(SHOWN[density]);
        const back: string[][] = [idsOf(page)];
        while (page.prev_cursor !== null) {
          page = (await ask({ density, limit, cursor: page.prev_cursor })).body;
          expect(page.next_cursor).toBeString();
          back.unshift(idsOf(page));
        }
        expect(back.flat()).toEqual(SHOWN[density]);
      }
    });

    test(`at the density ${density} opens around any message`, async () => {
      await addTurns();
      const order = SHOWN.full;
      for (const around of order) {
        const { body } = await ask({ density, around, limit: "3" });
        const ids = idsOf(body);
        const ahead = SHOWN[density].filter((id) => order.indexOf(id) >= order.indexOf(around));
        const behind = SHOWN[density].filter((id) => order.indexOf(id) < order.indexOf(around));
        expect(ids).toEqual([...behind.slice(-1), ...ahead.slice(0, 2)]);
        expect(body.prev_cursor === null).toBe(behind.length <= 1);
        expect(body.next_cursor === null).toBe(ahead.length <= 2);
        if (body.next_cursor !== null) {
          const next = await ask({ density, limit: "1", cursor: body.next_cursor });
          expect(idsOf(next.body)).toEqual(ahead.slice(2, 3));
        }
      }
    });
  }

  test("shows the tokens of a response once, on any page", async () => {
    await addTurns();
    for (const limit of ["1", "2", "4", "100"]) {
      for (const density of ["steps", "full"]) {
        let input = 0;
        let cursor: string | null = "";
        while (cursor !== null) {
          const { body } = await ask({ density, limit, ...(cursor === "" ? {} : { cursor }) });
          for (const message of body.messages) input += message.tokens_in ?? 0;
          cursor = body.next_cursor;
        }
        expect([limit, density, input]).toEqual([limit, density, 50]);
      }
    }
    const { body } = await ask({ around: "answer", limit: "1" });
    expect(body.messages[0]).toMatchObject({
      tokens_in: 10,
      tokens_out: 5,
      cache_read: 100,
      cache_write: 10,
      cost_usd: 0.25,
      model: "sonnet-5",
      response_key: "r2",
    });
  });

  test("shows no tokens of a response that another session owns", async () => {
    await addMessages(server.sql, { session_id: "other", messages: [] });
    await addMessages(server.sql, {
      session_id: "s",
      messages: [{ id: "copy", kind: "assistant", is_copy: true, response_key: "r", blocks: [text("a")] }],
    });
    await addResponse(server.sql, { session_id: "other", key: "r" });
    const { body } = await ask();
    expect(body.messages).toMatchObject([{ id: "copy", is_copy: true, tokens_in: null, cost_usd: null }]);
  });

  test("has each call in one line: its command or file, and its outcome", async () => {
    await addTurns();
    const { body } = await ask({ density: "steps" });
    const blocks = body.messages.flatMap(
      ({ content_blocks }: { content_blocks: object[] }) => content_blocks,
    );
    const calls = blocks.filter(({ call }: { call: object | null }) => call !== null);
    expect(calls).toMatchObject([
      {
        tool_name: "Bash",
        tool_input: null,
        call: {
          target: "ls",
          state: "error",
          exit_code: 2,
          called_at: "2025-03-14T10:00:04.000000Z",
          subagent: null,
        },
      },
      { tool_name: "Read", tool_input: null, call: { target: "/a.ts", state: "running", exit_code: null } },
    ]);
    const full = await ask({ density: "full", around: "call", limit: "1" });
    expect(full.body.messages[0].content_blocks[0]).toMatchObject({
      tool_input: { command: "ls\nls -l" },
      call: { state: "error" },
    });
  });
});

describe("the transcript of a subagent", () => {
  const addSubagent = async () => {
    const messages = [
      { id: "start", kind: "assistant", blocks: [call("c1", "Task", { description: "Review" })] },
    ];
    const file_id = await addMessages(server.sql, { session_id: "s", messages });
    await server.sql`
      INSERT INTO subagents (id, session_id, agent_id, agent_type, call_id, description, tokens_in)
      VALUES ('sub', 's', 'agent-1', 'reviewer', 'c1', 'Review it', 7)`;
    await addCall(server.sql, file_id, { session_id: "s", call_id: "c1", tool: "Task" });
    await addMessages(server.sql, {
      ...{ session_id: "s", file: "subagents/agent-1.jsonl" },
      messages: [
        { id: "task", kind: "task", subagent_id: "sub", blocks: [text("Review it")] },
        { id: "verdict", kind: "assistant", subagent_id: "sub", blocks: [text("Fine")] },
      ],
    });
  };

  test("is named by the call that started it", async () => {
    await addSubagent();
    const { body } = await ask({ density: "steps" });
    expect(idsOf(body)).toEqual(["start"]);
    expect(body.messages[0].content_blocks[0].call).toMatchObject({
      target: "Review",
      subagent: {
        id: "sub",
        agent_id: "agent-1",
        agent_type: "reviewer",
        description: "Review it",
        tokens_in: 7,
      },
    });
  });

  test("is read by its id, its agent id, or around one of its messages", async () => {
    await addSubagent();
    for (const query of [{ subagent_id: "sub" }, { subagent_id: "agent-1" }, { around: "task" }]) {
      for (const density of ["story", "full"]) {
        const { body } = await ask({ ...query, density });
        expect([idsOf(body), body.subagent_id]).toEqual([["task", "verdict"], "sub"]);
      }
    }
  });

  test("is not found under another name, or around a message of the session itself", async () => {
    await addSubagent();
    const named: Record<string, string>[] = [
      { subagent_id: "agent-2" },
      { around: "no-message" },
      { around: "start", subagent_id: "sub" },
    ];
    const statuses = await Promise.all(named.map((query) => ask(query)));
    expect(statuses.map(({ status, body }) => [status, body.error])).toEqual([
      [404, "Subagent not found"],
      [404, "Message not found"],
      [404, "Message not found"],
    ]);
  });
});

describe("long texts", () => {
  const long = 'a "b" '.repeat(TEXT_CHARACTERS_MAX);
  const input = { command: long, short: "x", nested: { list: [long] } };

  test("are cut on pages, and are whole at their message", async () => {
    const blocks = [text(long), call("c1", "Bash", input), call("c2", "Bash", long), text("short")];
    await addMessages(server.sql, { session_id: "s", messages: [{ id: "m", kind: "assistant", blocks }] });
    const { body } = await ask();
    const shown = body.messages[0].content_blocks;
    expect(shown.map(({ is_cut }: { is_cut: boolean }) => is_cut)).toEqual([true, true, true, false]);
    expect(shown[0].content_text).toBe(long.slice(0, TEXT_CHARACTERS_MAX));
    expect(long.startsWith(shown[1].tool_input.command)).toBe(true);
    expect(shown[1].tool_input).toMatchObject({ short: "x", nested: expect.any(String) });
    expect(JSON.stringify(body).length).toBeLessThan(3 * TEXT_CHARACTERS_MAX);

    const whole: { content_text: string | null; tool_input: unknown }[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const page = await ask({ limit: "3", ...(cursor === "" ? {} : { cursor }) }, `${PATH}/messages/m`);
      whole.push(...page.body.blocks);
      cursor = page.body.next_cursor;
    }
    expect(whole.map(({ content_text }) => content_text)).toEqual([long, null, null, "short"]);
    expect(whole.map(({ tool_input }) => tool_input)).toEqual([null, input, long, null]);
  });

  test("end a page before it is too large, in both directions", async () => {
    const rows = 600;
    const quotes = '"'.repeat(TEXT_CHARACTERS_MAX);
    const messages = Array.from({ length: rows }, (_, n) => ({
      ...{ id: `m${String(n).padStart(3, "0")}`, kind: "prompt" },
      blocks: [text(quotes)],
    }));
    await addMessages(server.sql, { session_id: "s", messages });
    const read = async (query: Record<string, string>) => {
      const { body } = await ask({ limit: "1000", ...query });
      expect(JSON.stringify(body).length).toBeLessThan(PAGE_BYTES_MAX + 10_000);
      return body;
    };
    for (const density of ["story", "full"]) {
      const found: string[] = [];
      let page = await read({ density });
      for (;;) {
        found.push(...idsOf(page));
        if (page.next_cursor === null) break;
        page = await read({ density, cursor: page.next_cursor });
      }
      expect(found).toEqual(messages.map(({ id }) => id));
      const back = idsOf(page);
      while (page.prev_cursor !== null) {
        page = await read({ density, cursor: page.prev_cursor });
        back.unshift(...idsOf(page));
      }
      expect(back).toEqual(found);
      const { body } = await ask({ density, around: "m300", limit: "1000" });
      expect(JSON.stringify(body).length).toBeLessThan(2 * PAGE_BYTES_MAX + 10_000);
    }
  });

  test("a message with very many blocks has the first of them, and their number", async () => {
    const blocks = Array.from({ length: BLOCKS_PER_MESSAGE_MAX + 7 }, (_, n) => text(`part ${n}`));
    await addMessages(server.sql, { session_id: "s", messages: [{ id: "m", kind: "assistant", blocks }] });
    const { body } = await ask({ density: "story" });
    expect(body.messages[0].blocks_left_out).toBe(7);
    expect(body.messages[0].content_blocks).toHaveLength(BLOCKS_PER_MESSAGE_MAX);
    const whole = await ask({ limit: "1000" }, `${PATH}/messages/m`);
    expect(whole.body.blocks).toHaveLength(BLOCKS_PER_MESSAGE_MAX + 7);
  });
});

describe("requests for what is not there", () => {
  test("of an unknown session, or a message of another session, are answered with 404", async () => {
    await addMessages(server.sql, { session_id: "s", messages: [{ id: "m", kind: "prompt" }] });
    await addMessages(server.sql, { session_id: "t", messages: [{ id: "n", kind: "prompt" }] });
    const paths = [
      "/api/sessions/none/transcript",
      "/api/sessions/none/transcript/messages/m",
      `${PATH}/messages/n`,
      `${PATH}?around=n`,
    ];
    const answers = await Promise.all(paths.map((path) => server.request("GET", path)));
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404]);
  });

  test("a cursor of another density is refused", async () => {
    await addTurns();
    const { body } = await ask({ density: "full", limit: "1" });
    const { status, body: problem } = await ask({ density: "story", cursor: body.next_cursor });
    expect([status, problem.code]).toEqual([400, "CURSOR_INVALID"]);
  });

  test("messages without any time are shown, too", async () => {
    await addMessages(server.sql, { session_id: "s", messages: TURNS });
    await server.sql`UPDATE transcript_messages SET sorted_at = '-infinity', timestamp = NULL`;
    const first = await ask({ limit: "2" });
    const next = await ask({ limit: "2", cursor: first.body.next_cursor });
    expect([...idsOf(first.body), ...idsOf(next.body)]).toEqual(SHOWN.full.slice(0, 4));
    expect(first.body.messages[0].timestamp).toBeNull();
  });
});
