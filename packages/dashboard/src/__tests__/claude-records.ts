/** What writes the records of a transcript of Claude Code. */
export type Recorder = ReturnType<typeof createRecorder>;

type Options = {
  /** Of the record before it; by default that of the last record. */
  parent?: string | null;
  /** Since the record before it. */
  minutes?: number;
};

/** Each record is a second later than the one before, and answers it. `agentId`: of a subagent's file. */
export function createRecorder(sessionId: string, agentId?: string) {
  let count = 0;
  let at = Date.parse("2026-03-14T10:00:00Z");
  const prefix = agentId === undefined ? "00000000" : "00000001";
  const idOf = (nth: number) =>
    nth === 0 ? null : `${prefix}-0000-4000-8000-${String(nth).padStart(12, "0")}`;

  function record(
    type: "user" | "assistant" | "system",
    fields: object,
    { parent, minutes = 0 }: Options = {},
  ): string {
    count += 1;
    at += 1_000 + minutes * 60_000;
    const values = {
      parentUuid: parent === undefined ? idOf(count - 1) : parent,
      isSidechain: agentId !== undefined,
      ...(agentId === undefined ? {} : { agentId }),
      cwd: "/home/ada/it's here",
      sessionId,
      version: "2.1.280",
      gitBranch: "main",
      type,
      ...fields,
      uuid: idOf(count),
      timestamp: new Date(at).toISOString(),
    };
    return `${JSON.stringify(values)}\n`;
  }

  function answer(id: string, ...content: object[]): string {
    const usage = {
      input_tokens: 10,
      output_tokens: 20,
      cache_read_input_tokens: 0,
      cache_creation_input_tokens: 0,
    };
    return record("assistant", {
      requestId: `req_${id}`,
      message: { id, type: "message", role: "assistant", model: "claude-opus-5", content, usage },
    });
  }

  return {
    record,
    answer,
    prompt: (content: string | object[], options?: Options) =>
      record("user", { message: { role: "user", content } }, options),
    result: (id: string, content: unknown, fields: object = {}) =>
      record("user", {
        message: { role: "user", content: [{ type: "tool_result", tool_use_id: id, content }] },
        ...fields,
      }),
    /** The id of the record that was written last. */
    last: () => idOf(count),
  };
}

export const said = (text: string) => ({ type: "text", text });
export const called = (id: string, name: string, input: object) => ({ type: "tool_use", id, name, input });
export const image = (media_type: string, data: string) => ({
  type: "image",
  source: { type: "base64", media_type, data },
});
