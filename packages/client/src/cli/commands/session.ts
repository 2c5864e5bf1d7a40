import type { Command } from "commander";
import type { Client } from "../../sdk/create-client.ts";
import { CliError, EXIT } from "../cli-error.ts";
import { findSessionId } from "../find-session.ts";
import { type HubOptions, openHub, withHubOptions } from "../hub.ts";
import type { Io } from "../io.ts";
import { printSession } from "../output/session-detail.ts";
import { printTable } from "../output/table.ts";
import { plain, timeOf } from "../output/text.ts";
import { printTranscript } from "../output/transcript.ts";

type SessionOptions = HubOptions & { transcript?: true; events?: true; git?: true; export?: string };

const FORMATS = { json: "json", md: "markdown", markdown: "markdown", tar: "tar" } as const;

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
      if (options.export !== undefined) await writeExport(client, id, options.export);
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

async function writeExport(client: Client, id: string, named: string): Promise<void> {
  const format = Object.hasOwn(FORMATS, named) ? FORMATS[named as keyof typeof FORMATS] : null;
  if (format === null)
    throw new CliError(`"${named}" is no format. Use json, md or tar.`, EXIT.usage, "FORMAT_UNKNOWN");
  const { body } = await client.sessions.export(id, format);
  if (body === null) return;
  for await (const chunk of body) await new Promise((resolve) => process.stdout.write(chunk, resolve));
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

async function printGit(io: Io, client: Client, id: string, isJson: boolean): Promise<void> {
  const page = await client.sessions.git(id, { limit: 1_000 });
  if (isJson) return void io.json(page);
  printTable(
    io,
    [
      { title: "TIME", cell: ({ timestamp }) => timeOf(io, timestamp) },
      { title: "TYPE", cell: ({ type }) => type },
      { title: "MATCH", cell: ({ session_match }) => session_match },
      { title: "BRANCH", cell: ({ branch }) => branch ?? "–" },
      { title: "COMMIT", cell: ({ commit_sha }) => commit_sha?.slice(0, 10) ?? "–" },
      { title: "MESSAGE", cell: ({ message }) => plain(message ?? ""), isWide: true },
    ],
    page.git_activity,
    "No git activity is matched to this session.",
  );
}
