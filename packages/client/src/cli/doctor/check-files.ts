import { open } from "node:fs/promises";
import type { Profile } from "../../profiles/profiles.ts";
import { chainOf } from "../../transcripts/chain.ts";
import type { LocalFile } from "../../transcripts/file-state.ts";
import { agentFolders, findTranscripts } from "../../transcripts/find-transcripts.ts";
import { isPacked } from "../../transcripts/send-unpacked.ts";
import { filesOfSession } from "../../transcripts/session-files.ts";
import { clientFor } from "../hub.ts";
import type { Io } from "../io.ts";
import { homeOf } from "../sending.ts";

/** `is_equal`: what the hub holds is the beginning of the file; null: it holds nothing. */
export type FileCheck = {
  path: string;
  session_id: string;
  file: string;
  bytes: number;
  held_bytes: number;
  is_equal: boolean | null;
};

const NEWEST_SESSIONS = 10;

/** Transcript files of this machine, compared with the hub by their chain hash: those of the newest sessions, or all. Throws HubError. */
export async function checkFiles(io: Io, profile: Profile, isAll: boolean): Promise<FileCheck[]> {
  const device_id = profile.device?.id;
  if (device_id === undefined) return [];
  const found = await findTranscripts(agentFolders(io.environment, homeOf(io)));
  const plain = found.filter(({ path }) => !isPacked(path));
  const { transcripts } = clientFor(profile, "read");
  const checks: FileCheck[] = [];
  for (const { agent, session_id, file, kind, path } of isAll ? plain : plain.slice(0, NEWEST_SESSIONS)) {
    const own: LocalFile = { agent, session_id, file, kind, path };
    const files = kind === "main" ? await filesOfSession({ agent, session_id }, path) : [own];
    const held = await transcripts.files(session_id, { device_id });
    for (const one of files) {
      const latest = held
        .filter((file) => file.file === one.file)
        .reduce((bytes, file) => (file.generation >= bytes.generation ? file : bytes), NOTHING_HELD);
      const check = await compare(one, latest);
      if (check !== null) checks.push(check);
    }
  }
  return checks;
}

type Held = { generation: number; source_bytes: number; source_hash: string | null };
const NOTHING_HELD: Held = { generation: 0, source_bytes: 0, source_hash: null };

/** Null for a file that is gone. */
async function compare({ path, session_id, file }: LocalFile, held: Held): Promise<FileCheck | null> {
  const handle = await open(path, "r").catch(() => null);
  if (handle === null) return null;
  try {
    const bytes = (await handle.stat()).size;
    const chain = await chainOf(handle, held.source_bytes);
    const is_equal = held.generation === 0 ? null : chain?.value() === held.source_hash;
    return { path, session_id, file, bytes, held_bytes: held.source_bytes, is_equal };
  } finally {
    await handle.close();
  }
}
