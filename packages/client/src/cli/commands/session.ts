import type { SessionGitActivity } from "@wharf/protocol";
import type { Command } from "commander";
import type { Client } from "../../sdk/create-client.ts";
import { findSessionId } from "../find-session.ts";
import { type HubOptions, openHub, withHubOptions } from "../hub.ts";
import type { Io } from "../io.ts";
import { printSession } from "../output/session-detail.ts";
import { printTable } from "../output/table.ts";
import { plain, timeOf } from "../output/text.ts";
import { printTranscript } from "../output/transcript.ts";
import { writeExport } from "./session-export.ts";

type SessionOptions = HubOptions & { transcript?: true; events?: true; git?: true; export?: string };

/** `wharf session ID` */
export function session(command: Command, io: Io): void {
  withHubOptions(command)
    .argument("<id>", "a session, by its id or the first 6 characters or more")
    .option("--transcript", "what was said and done")
    .option("--events", "its events")
    .option("--git", "its commits and other git activity")
    .option("--export <format>", "all of it to standard output: json, md or tar")
    .action(async function showSession(typed: string, options: SessionOptions) {
      const client = await openHub(io, options);
      const id = await findSessionId(client, typed);
      if (options.export !== undefined)
        await writeExport(options.export, (format) => client.sessions.export(id, format));
      else if (options.transcript) await printTranscript(io, client, id, options.json === true);
      else if (options.events) await printEvents(io, client, id, options.json === true);
      else if (options.git) await printGit(io, client, id, options.json === true);
      else {
        const found = await client.sessions.get(id);
        if (options.json) io.json({ session: found });
        else printSession(io, found);
      }
    });
}

async function printEvents(io: Io, client: Client, id: string, isJson: boolean): Promise<void> {
  const page = await client.sessions.events(id, { limit: 1_000 });
  if (isJson) return void io.json(page);
  printTable(
    io,
    [
      { title: "TIME", cell: ({ timestamp }) => timeOf(io, timestamp) },
      { title: "TYPE", cell: ({ type }) => type },
      { title: "DATA", cell: ({ data }) => JSON.stringify(data), isWide: true },
    ],
    page.events,
    "No event names this session.",
  );
}

/** A hub of an earlier version does not state `is_only_printed`, and lists no such commit. */
function matchOf({ session_match, is_only_printed }: SessionGitActivity): string {
  return is_only_printed ? `${session_match}, no git hook reported it` : session_match;
}

async function printGit(io: Io, client: Client, id: string, isJson: boolean): Promise<void> {
  const page = await client.sessions.git(id, { limit: 1_000 });
  if (isJson) return void io.json(page);
  printTable(
    io,
    [
      { title: "TIME", cell: ({ timestamp }) => timeOf(io, timestamp) },
      { title: "TYPE", cell: ({ type }) => type },
      { title: "MATCH", cell: matchOf },
      { title: "BRANCH", cell: ({ branch }) => branch ?? "–" },
      { title: "COMMIT", cell: ({ commit_sha }) => commit_sha?.slice(0, 10) ?? "–" },
      { title: "MESSAGE", cell: ({ message }) => plain(message ?? ""), isWide: true },
    ],
    page.git_activity,
    "No git activity is matched to this session.",
  );
}
