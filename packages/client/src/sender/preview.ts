import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Append } from "../sdk/transcripts.ts";
import type { NamedTranscript } from "../spool/convert-hook.ts";
import { nullIfMissing } from "../spool/files.ts";
import { previewSpool } from "../spool/fill-outbox.ts";
import { readOutboxLines } from "../spool/outbox-line.ts";
import type { FileState } from "../transcripts/file-state.ts";
import { type SendFileDependencies, sendFile } from "../transcripts/send-file.ts";
import { filesOfSession } from "../transcripts/session-files.ts";
import type { SenderOptions } from "./run-sender.ts";
import { listOutbox } from "./send-outbox.ts";

export type Preview = {
  /** An event, as one line of JSON. */
  onEvent: (line: string) => void;
  /** A part of a transcript, with its bytes. */
  onPart: (append: Append) => void;
};

/** What the sender would send now, after redaction. Nothing is sent, and no file changes. */
export async function previewSending(
  sender: Omit<SenderOptions, "signal">,
  files: SendFileDependencies,
  { onEvent, onPart }: Preview,
): Promise<void> {
  const { outbox } = sender.paths;
  for (const name of await listOutbox(outbox)) {
    const content = (await readFile(join(outbox, name), "utf8").catch(nullIfMissing)) ?? "";
    for (const event of await readOutboxLines(content, sender.shareOf)) onEvent(event);
  }
  const named = new Map<string, NamedTranscript>();
  const onTranscript = (one: NamedTranscript) => void named.set(`${one.agent} ${one.session_id}`, one);
  for (const transcript of (await sender.findLive?.()) ?? []) onTranscript(transcript);
  const sessions = { ...sender.sessions, begin: async () => undefined };
  for (const event of await previewSpool({ ...sender, sessions, onTranscript }))
    onEvent(JSON.stringify(event));

  for (const { agent, session_id, path } of named.values()) {
    for (const file of await filesOfSession({ agent, session_id }, path)) {
      await sendFile({ ...files, ...withoutHub(files, onPart) }, file);
    }
  }
}

/** Takes each part as the hub would, and keeps no state. */
function withoutHub(
  { states }: Pick<SendFileDependencies, "states">,
  onPart: (append: Append) => void,
): Pick<SendFileDependencies, "states" | "transcripts"> {
  let written: FileState | null = null;
  return {
    states: {
      read: async (file) => written ?? (await states.read(file)),
      write: async (_, state) => {
        written = state;
      },
    },
    transcripts: {
      append: async (append) => {
        onPart(append);
        const { file, generation = 1, bytes, source } = append;
        return {
          file,
          generation,
          source_bytes: source?.bytes ?? bytes.length,
          source_hash: source?.hash ?? null,
          stored_bytes: bytes.length,
          status: "appended",
        };
      },
    },
  };
}
