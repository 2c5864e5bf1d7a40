import {
  contentBlockSchema,
  messageBlocksQuerySchema,
  type TranscriptQuery,
  transcriptPageSchema,
  transcriptQuerySchema,
} from "@wharf/protocol";
import { Hono } from "hono";
import { z } from "zod";
import type { Sql } from "../db/postgres.ts";
import { sessionExists } from "../db/reads/sessions.ts";
import { listBlocks } from "../db/reads/transcripts/blocks.ts";
import { findMessagePlace, findSubagentId } from "../db/reads/transcripts/messages.ts";
import { operation, pageResponse } from "../http/operation.ts";
import { createCursor, messagePlaceSchema, pageOf, positionIdSchema } from "../http/pagination.ts";
import { notFound } from "../http/problem.ts";
import { readPathId } from "../http/query.ts";
import type { AppEnv } from "../http/request-context.ts";
import type { UpToDate } from "../ingest/up-to-date.ts";
import { readAround, readEnd, readPage } from "../transcripts/transcript-page.ts";

const tag = "Transcripts";
const path = { id: "3f6b1f0e-8f55-4a26-9d3c-0c9f5a7e2b41" };

const read = operation({
  scopes: ["read"],
  tag,
  summary: "Read the messages of a session or subagent, oldest first",
  description: `\`density\` selects what is shown: \`story\` has what people wrote, compactions, and the agent's last text before each of them and at the end, without rewound messages; \`steps\` has all texts, and each call with its command or file and its outcome in \`call\`; \`full\` has all messages and blocks.
\`around\` returns the page with this message in its middle, \`from=end\` the last one. \`prev_cursor\` leads to the page before, \`next_cursor\` to the next one.
Tokens and cost are those of a message's response, on its first message alone; the other messages of the response, and copies of responses of other sessions, have null.
Long texts are cut (\`is_cut\`): GET /api/sessions/:id/transcript/messages/:message_id has them whole.`,
  query: transcriptQuerySchema,
  responses: { 200: transcriptPageSchema },
  example: { status: 200, path, query: { density: "steps", limit: "10" } },
});

const readBlocks = operation({
  scopes: ["read"],
  tag,
  summary: "Read the blocks of a message with their whole texts",
  query: messageBlocksQuerySchema,
  responses: { 200: pageResponse("blocks", contentBlockSchema) },
  example: { status: 200, path: { ...path, message_id: "4a1d30c6e1c94d41a3a5b92b71a1d0c2" } },
});

const messagePositionSchema = messagePlaceSchema.extend({ direction: z.enum(["after", "before"]) });
const blockPositionSchema = z.tuple([z.number().int().nonnegative(), positionIdSchema]);

/** /api/sessions/:id/transcript: what was said and done in a session. */
export function transcriptRoutes({ reads }: { reads: UpToDate }): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.get("/:id/transcript", read, async function getTranscript(c) {
    const session_id = readPathId(c, "id", "session");
    const query = c.req.valid("query");
    const page = await reads.run((sql) => readTranscript(sql, session_id, query), { session_id });
    return c.json(page);
  });

  routes.get("/:id/transcript/messages/:message_id", readBlocks, async function getMessageBlocks(c) {
    const session_id = readPathId(c, "id", "session");
    const message_id = readPathId(c, "message_id", "message");
    const { limit, cursor: sent } = c.req.valid("query");
    const cursor = createCursor("blocks", { session_id, message_id }, blockPositionSchema);
    const position = cursor.read(sent);
    const [exists, place, rows] = await reads.run((sql) =>
      Promise.all([
        sessionExists(sql, session_id),
        findMessagePlace(sql, session_id, message_id),
        listBlocks(sql, message_id, position, limit + 1),
      ]),
    );
    if (!exists) throw notFound("session");
    if (place === null) throw notFound("message");
    const { items, page } = pageOf(rows, limit, cursor, ({ block_order, id }) => [block_order, id]);
    return c.json({ blocks: items, ...page });
  });

  return routes;
}

async function readTranscript(sql: Sql, session_id: string, query: TranscriptQuery) {
  const { subagent_id: named, around, from, density, limit, cursor: sent } = query;
  const [exists, place, found] = await Promise.all([
    sessionExists(sql, session_id),
    around === undefined ? null : findMessagePlace(sql, session_id, around),
    named === undefined ? null : findSubagentId(sql, session_id, named),
  ]);
  if (!exists) throw notFound("session");
  if (named !== undefined && found === null) throw notFound("subagent");
  const isElsewhere = named !== undefined && place !== null && place.subagent_id !== found;
  if (around !== undefined && (place === null || isElsewhere)) throw notFound("message");
  const subagent_id = place === null ? found : place.subagent_id;
  const scope = { session_id, subagent_id };
  const cursor = createCursor("transcript", { ...scope, density }, messagePositionSchema);
  const position = cursor.read(sent);
  const reading = { density, scope, limit };
  const { messages, previous, next } =
    position === null && place !== null
      ? await readAround(sql, reading, place)
      : position === null && from === "end"
        ? await readEnd(sql, reading)
        : await readPage(sql, reading, position);
  return {
    messages,
    subagent_id,
    next_cursor: next === null ? null : cursor.write(next),
    prev_cursor: previous === null ? null : cursor.write(previous),
    has_more: next !== null,
  };
}
