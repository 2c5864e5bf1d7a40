import type { TranscriptDensity } from "@wharf/protocol";
import type { Fragment, Sql } from "../../postgres.ts";
import { beyond, inOrder, inScope, type PageStart, type Scope } from "./message-order.ts";

/** What is typed, handed over or summarized: between two of them, the agent works. As idx_transcript_msg_marks has it. */
const isMark = (sql: Sql) =>
  sql`m.kind IN ('prompt', 'command', 'shell_command', 'interruption', 'task', 'compaction')`;
const isAnswer = (sql: Sql) => sql`m.kind = 'assistant' AND m.has_text`;

/**
 * Up to `limit` messages of a page, in the order in which it is read.
 * - full: all messages
 * - steps: marks, and what the agent writes or calls
 * - story: marks, and the agent's last text before the next mark or the end, without what was rewound
 */
export function messagesOfPage(
  sql: Sql,
  density: TranscriptDensity,
  scope: Scope,
  start: PageStart | null,
  limit: number,
): Fragment {
  if (density === "story") return story(sql, scope, start, limit);
  const isShown =
    density === "full"
      ? sql``
      : sql`AND (${isMark(sql)} OR (m.kind = 'assistant' AND (m.has_text OR m.has_tool_use)))`;
  return sql`
    SELECT m.* FROM transcript_messages m WHERE ${inScope(sql, scope)} ${isShown} ${beyond(sql, start)}
    ORDER BY ${inOrder(sql, start?.direction === "before")} LIMIT ${limit}`;
}

/** Each answer by one look-up before its mark: a turn of 10,000 calls is not read. */
function story(sql: Sql, scope: Scope, start: PageStart | null, limit: number): Fragment {
  const isBackward = start?.direction === "before";
  const order = inOrder(sql, isBackward);
  const shown = (condition: Fragment) =>
    sql`SELECT m.* FROM transcript_messages m WHERE ${inScope(sql, scope)} AND NOT m.is_rewound AND ${condition}`;
  const marks = sql`${shown(isMark(sql))} ${beyond(sql, start)} ORDER BY ${order} LIMIT ${limit}`;
  // Read backwards, a page may begin with the answer of the mark that follows it.
  const next = isBackward
    ? sql`${shown(isMark(sql))} ${beyond(sql, { ...start, direction: "at" })} ORDER BY ${inOrder(sql)} LIMIT 1`
    : sql`SELECT m.* FROM transcript_messages m WHERE false`;
  return sql`
    SELECT * FROM (
      WITH marks AS MATERIALIZED (${marks}), next AS MATERIALIZED (${next})
      SELECT * FROM marks
      UNION ALL
      SELECT answer.*
      FROM (
        SELECT sorted_at, ordinal, id FROM marks
        UNION ALL SELECT sorted_at, ordinal, id FROM next
        UNION ALL SELECT 'infinity', 0, '' WHERE NOT EXISTS (SELECT 1 FROM next)
      ) mark
      CROSS JOIN LATERAL (
        ${shown(sql`(${isMark(sql)} OR (${isAnswer(sql)}))`)}
          AND (m.sorted_at, m.ordinal, m.id) < (mark.sorted_at, mark.ordinal, mark.id)
        ORDER BY ${inOrder(sql, true)} LIMIT 1
      ) answer
      WHERE answer.kind = 'assistant' ${beyond(sql, start, "answer")}
    ) story
    ORDER BY ${order} LIMIT ${limit}`;
}
