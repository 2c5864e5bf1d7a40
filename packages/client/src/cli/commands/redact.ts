import { readFile } from "node:fs/promises";
import { createMarker, createRedactor } from "@wharf/redaction";
import type { Command } from "commander";
import { openProfiles } from "../../profiles/profiles.ts";
import { CliError, EXIT } from "../cli-error.ts";
import type { HubOptions } from "../hub.ts";
import type { Io } from "../io.ts";
import { readStdin } from "../prompt.ts";

type RedactOptions = Pick<HubOptions, "json" | "profile"> & { test: string };

/** Where no hub has given one: markers of equal secrets are equal here, and differ from those that are sent. */
const LOCAL_SECRET = "local preview";

/** `wharf redact --test FILE`: needs no hub. */
export function redact(command: Command, io: Io): void {
  command
    .requiredOption(
      "--test <file>",
      "print the file as it would be sent, with markers in place of secrets; `-`: standard input",
    )
    .option("--profile <name>", "the hub whose secret makes the markers")
    .option("--json", "print the number of secrets by rule, and the changed lines, as JSON")
    .action(async function testRedaction({ test: file, json, profile }: RedactOptions) {
      const text = file === "-" ? await readStdin() : await readFile(file, "utf8").catch(fileProblem(file));
      const redactor = createRedactor({ mark: createMarker(await secretOf(io, profile)) });
      const counts = new Map<string, number>();
      const lines = text.split("\n").map((line) => ({ line, redacted: redactor.line(line, counts) }));
      if (json) {
        const changed = lines.flatMap(({ line, redacted }, index) =>
          line === redacted ? [] : [{ line: index + 1, text: redacted }],
        );
        io.json({ counts: Object.fromEntries(counts), changed });
        return;
      }
      io.print(
        lines
          .map(({ redacted }) => redacted)
          .join("\n")
          .replace(/\n$/, ""),
      );
      const total = [...counts.values()].reduce((sum, one) => sum + one, 0);
      io.warn(
        total === 0
          ? "No secret was found."
          : `Replaced ${total}: ${[...counts].map(([rule, number]) => `${rule} ${number}`).join(", ")}`,
      );
    });
}

async function secretOf(io: Io, named: string | undefined): Promise<string> {
  const profiles = openProfiles(io.paths.config);
  const name = named ?? (await profiles.current());
  const profile = name === null ? null : await profiles.find(name);
  return profile?.redaction_secret ?? LOCAL_SECRET;
}

function fileProblem(file: string) {
  return (error: unknown): never => {
    const reason = error instanceof Error && "code" in error ? error.code : "unknown";
    throw new CliError(`${file} cannot be read (${reason}).`, EXIT.usage, "FILE_UNREADABLE");
  };
}
