import { join } from "node:path";

/** What this machine keeps for the sender, below the data directory. */
export type DataPaths = {
  data: string;
  /** One file per hook, until it is an event. */
  spool: string;
  /** Is there while the spool has its full size: hooks add nothing to it. */
  full: string;
  /** A byte for each hook that was refused. */
  refused: string;
  /** Batches of events, one per line, until the hub has them. */
  outbox: string;
  /** Events and hook files that the hub or this client refused, each with the reason. */
  rejected: string;
  /** What is known of each transcript file. */
  transcripts: string;
  /** Hook scripts. */
  hooks: string;
  /** Is there when Codex has run a hook since it notified last: what it notifies of is then known. */
  codexHooks: string;
  /** Settings files as they were before hooks were installed. */
  backups: string;
  /** Which hooks were installed where. */
  installed: string;
  pid: string;
  socket: string;
  /** What the sender prints as a service of macOS. */
  serviceLog: string;
  /** How the last requests ended. */
  state: string;
  /** Its time of modification is that of the last report to the hub. */
  report: string;
  /** By process number, the session that an agent began last. */
  sessions: string;
};

export function dataPaths(data: string): DataPaths {
  return {
    data,
    spool: join(data, "spool"),
    full: join(data, "spool.full"),
    refused: join(data, "spool.refused"),
    outbox: join(data, "outbox"),
    rejected: join(data, "rejected"),
    transcripts: join(data, "transcripts"),
    hooks: join(data, "hooks"),
    codexHooks: join(data, "codex.hooks"),
    backups: join(data, "backups"),
    installed: join(data, "hooks.json"),
    pid: join(data, "sender.pid"),
    socket: join(data, "sender.sock"),
    serviceLog: join(data, "service.log"),
    state: join(data, "sender.json"),
    report: join(data, "report"),
    sessions: join(data, "sessions.json"),
  };
}
