import { resolve } from "node:path";
import { AGENTS } from "@wharf/protocol/agent-names";
import { canonicalWorkspaceId } from "@wharf/protocol/workspace";
import type { Command } from "commander";
import {
  hasSameConditions,
  readShareRules,
  SHARE_LEVELS,
  type ShareRule,
  shareFile,
  writeShareRules,
} from "../../share/rules.ts";
import { CliError, EXIT } from "../cli-error.ts";
import type { Io } from "../io.ts";
import { printTable } from "../output/table.ts";

type Conditions = { repository?: string; path?: string; agent?: string; json?: true };

const ANY = "any";

/** `wharf share list`, `set` and `remove`: needs no hub, which never learns of the rules. */
export function share(command: Command, io: Io): void {
  const file = shareFile(io.paths.config);
  command
    .command("list", { isDefault: true })
    .description("List the rules of this machine. Without a rule everything is sent.")
    .option("--json", "print JSON")
    .action(async ({ json }: { json?: true }) => report(io, await readShareRules(file), json));
  withConditions(command.command("set"))
    .description("Add a rule, or change the level of the rule with the same conditions.")
    .argument("<level>", "full; facts: every line with emptied texts; nothing")
    .action(async function setRule(typed: string, options: Conditions) {
      const level = SHARE_LEVELS.find((one) => one === typed);
      if (level === undefined)
        throw new CliError(
          `No level "${typed}". There are: ${SHARE_LEVELS.join(", ")}.`,
          EXIT.usage,
          "LEVEL_UNKNOWN",
        );
      const conditions = readConditions(options);
      const others = (await readShareRules(file)).filter((rule) => !hasSameConditions(rule, conditions));
      const rules = [...others, { level, ...conditions }];
      await writeShareRules(file, rules);
      report(io, rules, options.json);
    });
  withConditions(command.command("remove"))
    .description("Remove the rule with these conditions.")
    .action(async function removeRule(options: Conditions) {
      const conditions = readConditions(options);
      const rules = await readShareRules(file);
      const left = rules.filter((rule) => !hasSameConditions(rule, conditions));
      if (left.length === rules.length)
        throw new CliError(
          "No rule has these conditions. Run: wharf share list",
          EXIT.failed,
          "RULE_UNKNOWN",
        );
      await writeShareRules(file, left);
      report(io, left, options.json);
    });
}

function withConditions(command: Command): Command {
  return command
    .option("--repository <remote>", "of a git remote, such as github.com/acme/site")
    .option("--path <directory>", "of a directory and all below it")
    .option("--agent <name>", `of one of: ${AGENTS.join(", ")}`)
    .option("--json", "print JSON");
}

/** Throws CliError for a condition that would never apply. */
function readConditions({ repository, path, agent }: Conditions): Omit<ShareRule, "level"> {
  const workspace = repository === undefined ? null : canonicalWorkspaceId(repository);
  if (repository !== undefined && workspace === null)
    throw new CliError(`"${repository}" is no git remote.`, EXIT.usage, "REPOSITORY_INVALID");
  if (agent !== undefined && !AGENTS.some((one) => one === agent))
    throw new CliError(`No agent "${agent}". There are: ${AGENTS.join(", ")}.`, EXIT.usage, "AGENT_UNKNOWN");
  return { repository: workspace, path: path === undefined ? null : resolve(path), agent: agent ?? null };
}

function report(io: Io, rules: readonly ShareRule[], isJson: true | undefined): void {
  if (isJson) {
    io.json({ rules });
    return;
  }
  printTable(
    io,
    [
      { title: "LEVEL", cell: ({ level }) => level },
      { title: "REPOSITORY", cell: ({ repository }) => repository ?? ANY },
      { title: "AGENT", cell: ({ agent }) => agent ?? ANY },
      { title: "PATH", cell: ({ path }) => path ?? ANY, isWide: true },
    ],
    rules,
    "No rules: everything is sent.",
  );
}
