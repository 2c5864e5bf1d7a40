import type { TestServer } from "../../__tests__/setup-app.ts";

type Hub = Pick<TestServer, "sql">;
let calls = 0;

/** Stores that a session wrote a file, as its transcript shows it. */
export async function wrote(
  { sql }: Hub,
  session_id: string,
  path: string,
  touched_at: string,
): Promise<string> {
  calls += 1;
  const call_id = `call-${calls}`;
  await sql`
    INSERT INTO file_touches (session_id, call_id, path, writes, touched_at)
    VALUES (${session_id}, ${call_id}, ${path}, 1, ${touched_at})`;
  return call_id;
}

/** Stores that a call of a session committed and printed these hashes, as its transcript shows it. */
export async function committed(
  { sql }: Hub,
  session_id: string,
  commits: string[],
  called_at: string | null,
  fields: { returned_at?: string | null; is_copy?: boolean } = {},
): Promise<string> {
  calls += 1;
  const call_id = `call-${calls}`;
  const { returned_at = called_at, is_copy = false } = fields;
  const [file] = await sql<{ id: string }[]>`
    INSERT INTO transcript_files (session_id, agent, device_id, file, kind)
    SELECT id, 'claude-code', device_id, 'main.jsonl', 'main' FROM sessions WHERE id = ${session_id}
    ON CONFLICT (session_id, agent, device_id, file) DO UPDATE SET kind = excluded.kind RETURNING id`;
  await sql`
    INSERT INTO tool_calls (session_id, call_id, file_id, command, called_at, returned_at, commits, is_copy)
    VALUES (${session_id}, ${call_id}, ${file?.id ?? ""}, 'git commit', ${called_at}, ${returned_at}, ${commits}, ${is_copy})`;
  return call_id;
}

/** Stores that a session worked in a directory, as its transcript shows it. */
export async function workedIn({ sql }: Hub, session_id: string, cwd: string): Promise<void> {
  const [file] = await sql<{ id: string }[]>`
    INSERT INTO transcript_files (session_id, agent, device_id, file, kind)
    SELECT id, 'claude-code', device_id, 'main.jsonl', 'main' FROM sessions WHERE id = ${session_id}
    ON CONFLICT (session_id, agent, device_id, file) DO UPDATE SET kind = excluded.kind RETURNING id`;
  calls += 1;
  await sql`
    INSERT INTO transcript_facts (file_id, generation, line, position, session_id, fact, data)
    VALUES (${file?.id ?? ""}, 1, ${calls}, 0, ${session_id}, 'place', ${sql.json({ cwd })})`;
}
