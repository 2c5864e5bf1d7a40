import type { HookChanges } from "../../hooks/manage-hooks.ts";
import { EXIT } from "../cli-error.ts";
import type { Io } from "../io.ts";

export const NO_AGENT =
  "No agent was found: none of ~/.claude, ~/.codex, ~/.gemini and ~/.config/opencode exists.";

type Reported = { isRemoval: boolean; isDone: boolean; isJson: boolean };

/** False: a file or a repository has to stay as it is, for a reason that reportHooks states. */
function areAllChanged({ settings, repositories }: HookChanges): boolean {
  return (
    settings.every(({ problem }) => problem === null) &&
    repositories.every(({ hooks }) => hooks.refusal === null)
  );
}

/** The changes in lines or as JSON. What cannot be changed is named with the reason; the exit code is then 1. */
export function reportHooks(io: Io, changes: HookChanges, reported: Reported): void {
  const { settings, repositories } = changes;
  const { isRemoval, isDone, isJson } = reported;
  if (!areAllChanged(changes)) io.outcome.exitCode = EXIT.failed;
  if (isJson) {
    const files = settings.map(({ agent, file, before, after, problem }) => ({
      agent,
      file,
      changed: before !== after,
      problem,
    }));
    const places = repositories.map(({ directory, hooks }) => ({
      directory,
      hooks_directory: hooks.directory,
      is_shared: hooks.is_shared,
      refusal: hooks.refusal,
    }));
    io.json({ settings: files, repositories: places, dry_run: !isDone });
    return;
  }
  const [done, planned] = isRemoval
    ? ["Removed the hooks from", "Would remove the hooks from"]
    : ["Added hooks to", "Would add hooks to"];
  const verb = isDone ? done : planned;
  for (const change of settings) describeSettings(io, change, { verb, isDone, isRemoval });
  for (const { directory, hooks } of repositories) {
    if (hooks.refusal !== null) io.warn(`${directory} was not changed: ${hooks.refusal}.`);
    else if (hooks.directory === directory)
      io.print(`${verb} ${directory}, which core.hooksPath names for all repositories.`);
    else {
      const shared = hooks.is_shared ? ` (in ${hooks.directory}, which core.hooksPath names)` : "";
      io.print(`${verb} the git repository ${directory}${shared}.`);
    }
    if (isRemoval) continue;
    const others = hooks.hooks.flatMap(({ name, state }) => (state === "other" ? [name] : []));
    if (others.length > 0 && hooks.refusal === null)
      io.print(`  Hooks that were there are kept, and run by those of wharf: ${others.join(", ")}.`);
  }
  if (settings.length + repositories.length === 0) io.print(isRemoval ? "No hooks are installed." : NO_AGENT);
}

function describeSettings(
  io: Io,
  change: HookChanges["settings"][number],
  { verb, isDone, isRemoval }: { verb: string; isDone: boolean; isRemoval: boolean },
): void {
  const { agent, file, before, after, problem } = change;
  if (problem !== null) io.warn(`${file} was not changed: ${problem}.`);
  else if (before === after) io.print(`${file}: hooks are installed.`);
  else {
    io.print(
      agent === "git" ? `${verb} all git repositories, by core.hooksPath in ${file}.` : `${verb} ${file}.`,
    );
    if (agent === "git" && !isRemoval)
      io.print(
        "  A repository's own hooks run as before. One that sets core.hooksPath itself, as husky does, needs: wharf hooks install DIRECTORY",
      );
    if (isDone) return;
    for (const line of changedLines(before ?? "", after ?? "")) io.print(line);
  }
}

/** Lines between the common beginning and the common end, as a diff shows them. */
function changedLines(before: string, after: string): string[] {
  const [old, changed] = [before.split("\n"), after.split("\n")];
  let start = 0;
  while (start < old.length && start < changed.length && old[start] === changed[start]) start += 1;
  let end = 0;
  while (end < Math.min(old.length, changed.length) - start && old.at(-1 - end) === changed.at(-1 - end))
    end += 1;
  return [
    ...old.slice(start, old.length - end).map((line) => `  - ${line}`),
    ...changed.slice(start, changed.length - end).map((line) => `  + ${line}`),
  ];
}
