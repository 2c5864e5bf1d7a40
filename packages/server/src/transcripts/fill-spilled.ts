import { transaction } from "../db/transaction.ts";
import { lockSessionOfStep } from "../db/transcripts/known-rows.ts";
import {
  type FilledResult,
  findSpilled,
  isDeleted,
  readIndexed,
  type SpilledResult,
  writeFilled,
} from "../db/transcripts/spilled-results.ts";
import { noteDerivations } from "../db/transcripts/step-progress.ts";
import { StorageError } from "../errors.ts";
import { writeDocuments } from "../search/write-documents.ts";
import { outcomeOf } from "./parse/call-rows.ts";
import { StepOvertakenError } from "./parse/write-step.ts";
import { readStored, type StoredTranscripts } from "./read-stored.ts";

/** Results in one transaction. */
const RESULTS_AT_ONCE = 20;
/** Of a longer result, a block holds the beginning and the end; sums of tests are at the end. The file has all of it. */
const RESULT_HEAD_BYTES = 512 * 1024;
const RESULT_TAIL_BYTES = 128 * 1024;

/**
 * Results that an agent wrote into files of their own are shown and searched in the blocks that name them, as soon as both are known.
 * A file with damaged bytes is left: its block keeps what the transcript has of the result. Throws StepOvertakenError if the session
 * is deleted.
 */
export async function fillSpilled(stored: StoredTranscripts, session_id: string): Promise<void> {
  const damaged: string[] = [];
  for (;;) {
    const spilled = await stored.database.run((sql) =>
      findSpilled(sql, session_id, damaged, RESULTS_AT_ONCE),
    );
    if (spilled.length === 0) return;
    const filled: FilledResult[] = [];
    for (const result of spilled) {
      const text = await readText(stored, result);
      if (text === null) damaged.push(result.block_id);
      else filled.push(fill(result, text));
    }
    if (filled.length === 0) continue;
    const message_ids = [...new Set(spilled.map(({ message_id }) => message_id))];
    await stored.database.run((sql) =>
      transaction(sql, async ({ query }) => {
        await lockSessionOfStep(query, session_id);
        await writeFilled(query, session_id, filled);
        await writeDocuments(query, await readIndexed(query, message_ids));
        await noteDerivations(query, [session_id]);
        if (await isDeleted(query, session_id)) throw new StepOvertakenError();
      }),
    );
  }
}

function fill(result: SpilledResult, text: string): FilledResult {
  const { command, exit_code } = result;
  return { ...result, text, ...outcomeOf(command, { text, exit_code }) };
}

/** Null: the bytes are damaged. */
async function readText(stored: StoredTranscripts, result: SpilledResult): Promise<string | null> {
  const { stored_bytes } = result;
  const left = stored_bytes - RESULT_HEAD_BYTES - RESULT_TAIL_BYTES;
  try {
    if (left <= 0) return textOf(await readBytes(stored, result, 0, stored_bytes));
    const head = textOf(await readBytes(stored, result, 0, RESULT_HEAD_BYTES));
    const tail = textOf(await readBytes(stored, result, stored_bytes - RESULT_TAIL_BYTES, RESULT_TAIL_BYTES));
    return `${head}\n… ${left} bytes are in the file only …\n${tail}`;
  } catch (error) {
    if (error instanceof StorageError && error.code === "STORAGE_BLOB_DAMAGED") return null;
    throw error;
  }
}

async function readBytes(
  stored: StoredTranscripts,
  result: SpilledResult,
  from: number,
  length: number,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of readStored(stored, result, from)) {
    parts.push(part);
    bytes += part.length;
    if (bytes >= length) break;
  }
  return Buffer.concat(parts).subarray(0, length);
}

/** Postgres takes no NUL. */
function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes).replaceAll("\0", "\uFFFD");
}
