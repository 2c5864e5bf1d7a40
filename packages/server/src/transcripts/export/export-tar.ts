import { type GenerationOfFile, listGenerations } from "../../db/transcripts/generations.ts";
import { md5 } from "../parse/values.ts";
import { readStored, type StoredTranscripts } from "../read-stored.ts";
import { type TarEntry, writeTar } from "./tar.ts";

const GENERATIONS_PER_READ = 500;
const HASH_CHARACTERS = 8;

/** The session's files as kept, all generations: `agent/device/file`, an older generation with its number at the end. */
export function exportTar(
  stored: StoredTranscripts,
  session_id: string,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  return writeTar(entriesOf(stored, session_id, []));
}

/** `above`: the directories that hold them. */
export async function* entriesOf(
  stored: StoredTranscripts,
  session_id: string,
  above: readonly string[],
): AsyncGenerator<TarEntry> {
  let position: GenerationOfFile | null = null;
  for (;;) {
    const after: GenerationOfFile | null = position;
    const found: GenerationOfFile[] = await stored.database.run((sql) =>
      listGenerations(sql, session_id, after, GENERATIONS_PER_READ),
    );
    for (const generation of found) yield entryOf(stored, generation, above);
    position = found.at(-1) ?? null;
    if (found.length < GENERATIONS_PER_READ) return;
  }
}

function entryOf(
  stored: StoredTranscripts,
  generation: GenerationOfFile,
  above: readonly string[],
): TarEntry {
  const { agent, device_id, file, is_newest, stored_bytes, received_ms } = generation;
  const path = [...above, agent, device_id, ...file.split("/")].map(safeName).join("/");
  return {
    path: is_newest ? path : `${path}.${generation.generation}`,
    bytes: stored_bytes,
    modified_at: new Date(received_ms),
    content: upTo(readStored(stored, generation), stored_bytes),
  };
}

/** What is appended meanwhile is not in the archive: its header has the length. */
async function* upTo(
  parts: AsyncIterable<Uint8Array<ArrayBuffer>>,
  bytes: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let left = bytes;
  for await (const part of parts) {
    if (left <= 0) return;
    yield part.subarray(0, left);
    left -= part.byteLength;
  }
}

/** A name that stays in its folder, on any system. A changed one ends with its hash: another name may change to the same. */
function safeName(name: string): string {
  const safe = /^\.*$/.test(name) ? "_" : name.replaceAll(/[\\/:\p{Cc}]/gu, "_");
  return safe === name ? name : `${safe}~${md5(name).slice(0, HASH_CHARACTERS)}`;
}
