import type { SearchResult } from "@wharf/protocol";
import type { Command } from "commander";
import { type HubOptions, openHub, withHubOptions } from "../hub.ts";
import type { Io } from "../io.ts";
import { cutTo, printLine } from "../output/fit-text.ts";
import { titleOf } from "../output/session-table.ts";
import { plain, timeOf } from "../output/text.ts";
import { countOf } from "../values.ts";

type SearchOptions = HubOptions & { limit: number; cursor?: string };

const TITLE_CHARACTERS_MIN = 20;

/** `wharf search TEXT` */
export function search(command: Command, io: Io): void {
  withHubOptions(command)
    .argument(
      "<text...>",
      'words, "a phrase", -word, tool:Bash, file:…, device:…, workspace:…, agent:…, before:…, after:…, has:error',
    )
    .option("--limit <number>", "at most so many", countOf, 10)
    .option("--cursor <cursor>", "the next page, as `next_cursor` of --json names it")
    .action(async function searchSessions(words: string[], options: SearchOptions) {
      const client = await openHub(io, options);
      const { limit, cursor } = options;
      const page = await client.search({
        q: words.join(" "),
        limit,
        ...(cursor === undefined ? {} : { cursor }),
      });
      if (options.json) io.json(page);
      else if (page.results.length === 0) io.warn("Nothing was found. Try fewer words.");
      else for (const result of page.results) printResult(io, result);
    });
}

function printResult(
  io: Io,
  { session, device_name, workspace_name, timestamp, fragments }: SearchResult,
): void {
  const [fragment] = fragments;
  const place = `${workspace_name} on ${device_name ?? session.device_name}`;
  if (!io.isTerminal) {
    io.print([session.id, timestamp, place, titleOf(session), fragment?.text ?? ""].map(plain).join("\t"));
    return;
  }
  const { bold, dim, yellow } = io.colors;
  const where = `${plain(place)}, ${timeOf(io, timestamp)}`;
  const title = cutTo(
    titleOf(session) || session.id,
    Math.max(TITLE_CHARACTERS_MIN, io.columns - where.length - 2),
  );
  printLine(io, `${bold(title)}  ${dim(where)}`);
  if (fragment !== undefined) printLine(io, `  ${marked(fragment, yellow)}`);
  io.print(`  ${dim(session.id)}\n`);
}

/** Marks are offsets into the text as it was sent. */
function marked({ text, marks }: SearchResult["fragments"][number], mark: (text: string) => string): string {
  let at = 0;
  let line = "";
  for (const [from, to] of marks) {
    line += plainPart(text.slice(at, from)) + mark(plainPart(text.slice(from, to)));
    at = to;
  }
  return (line + plainPart(text.slice(at))).trim();
}

/** Keeps the spaces at its ends. */
function plainPart(text: string): string {
  const [before = ""] = /^\s*/.exec(text) ?? [];
  const [after = ""] = /\s*$/.exec(text) ?? [];
  const middle = plain(text);
  return `${before === "" ? "" : " "}${middle}${after === "" || middle === "" ? "" : " "}`;
}
