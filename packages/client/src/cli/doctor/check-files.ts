import { open } from "node:fs/promises";
import type { Profile } from "../../profiles/profiles.ts";
import { HubError } from "../../sdk/hub-error.ts";
import { filesOfTranscript } from "../../transcripts/backfill.ts";
import { chainOf } from "../../transcripts/chain.ts";
import { SetAside } from "../../transcripts/send-file.ts";
import { CAN_UNPACK, isPacked, withUnpacked } from "../../transcripts/send-unpacked.ts";
import { findAllTranscripts, warnOfPacked } from "../find-all-transcripts.ts";
import { clientFor, hubSessionsOf } from "../hub.ts";
import type { Io } from "../io.ts";
import { plain } from "../output/text.ts";
import { prepareSending } from "../sending.ts";

/** `is_equal`: what the hub holds is the beginning of the file; null: it holds nothing. */
export type FileCheck = {
  agent: string;
  /** The database, for a session in one. */
  path: string;
  session_id: string;
  file: string;
  /** Unpacked. */
  bytes: number;
  held_bytes: number;
  is_equal: boolean | null;
  /** Why it is meant that the hub holds nothing; null: it is not, or it holds something. */
  withheld: "deleted" | "not_shared" | null;
};

const NEWEST_SESSIONS = 10;

/** Transcripts of this machine, compared with the hub by their chain hash: those of the newest sessions, or all. Throws HubError. */
export async function checkFiles(io: Io, profile: Profile, isAll: boolean): Promise<FileCheck[]> {
  const device_id = profile.device?.id;
  if (device_id === undefined) return [];
  const found = await findAllTranscripts(io);
  const { transcripts } = clientFor(profile, "read");
  const { shareOf } = prepareSending(io, profile).files;
  const compared = isAll ? found : found.slice(0, NEWEST_SESSIONS);
  const hub = await hubSessionsOf(profile, compared);
  const checks: FileCheck[] = [];
  let packed_files = 0;
  for (const one of compared) {
    const held = await transcripts.files(one.session_id, { device_id }).catch(nothingIfUnknown);
    for (const { file: local, unpack } of await filesOfTranscript(one)) {
      if (isPacked(local.path) && !CAN_UNPACK) {
        packed_files += 1;
        continue;
      }
      const { agent, path, session_id, file } = local;
      const latest = held
        .filter((other) => other.file === file)
        .reduce((bytes, other) => (other.generation >= bytes.generation ? other : bytes), NOTHING_HELD);
      const result =
        unpack === null
          ? await compare(path, latest)
          : await withUnpacked(unpack, io.paths.data, (unpacked) => compare(unpacked, latest)).catch(
              (error: unknown) => {
                if (!(error instanceof SetAside)) throw error;
                io.warn(`Not compared: ${plain(path)}: ${plain(error.message)}.`);
                return null;
              },
            );
      if (result === null) continue;
      const isShared = unpack !== null || (await shareOf?.(local)) !== "nothing";
      const why = hub?.deleted.has(session_id) ? "deleted" : isShared ? null : "not_shared";
      const withheld = result.is_equal === null ? why : null;
      checks.push({ agent, path, session_id, file, ...result, withheld });
    }
  }
  warnOfPacked(io, packed_files);
  return checks;
}

type Held = { generation: number; source_bytes: number; source_hash: string | null };
const NOTHING_HELD: Held = { generation: 0, source_bytes: 0, source_hash: null };

/** The hub does not have the session, or has deleted it. */
function nothingIfUnknown(error: unknown): [] {
  if (error instanceof HubError && error.status === 404) return [];
  throw error;
}

/** Null for a file that is gone. */
async function compare(
  path: string,
  held: Held,
): Promise<Pick<FileCheck, "bytes" | "held_bytes" | "is_equal"> | null> {
  const handle = await open(path, "r").catch(() => null);
  if (handle === null) return null;
  try {
    const bytes = (await handle.stat()).size;
    const chain = await chainOf(handle, held.source_bytes);
    const is_equal = held.generation === 0 ? null : chain?.value() === held.source_hash;
    return { bytes, held_bytes: held.source_bytes, is_equal };
  } finally {
    await handle.close();
  }
}
