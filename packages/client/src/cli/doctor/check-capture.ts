import { readHookStatus } from "../../hooks/manage-hooks.ts";
import { manageHooks } from "../commands/hooks.ts";
import { readQueueStatus } from "../commands/queue.ts";
import type { Io } from "../io.ts";
import { plural, timeOf } from "../output/text.ts";
import { checkHookSpeed } from "./check-hook-speed.ts";
import type { Check } from "./check-hub.ts";

/** Hooks of agents and repositories, and what waits to be sent. */
export async function checkCapture(io: Io): Promise<Check[]> {
  return [...(await checkHooks(io)), await checkHookSpeed(), ...(await checkQueue(io))];
}

async function checkHooks(io: Io): Promise<Check[]> {
  const { agents, repositories, all_repositories } = await readHookStatus(await manageHooks(io));
  const none: Check = { name: "hooks", status: "ok", detail: "no agent is on this machine", fix: null };
  const ofAgents = agents.map(({ agent, file, installed }): Check => {
    const detail = `${agent}: ${installed ? "in" : "not in"} ${file}`;
    return {
      name: "hooks",
      status: installed ? "ok" : "warn",
      detail,
      fix: installed ? null : "wharf hooks install",
    };
  });
  const ofRepositories = repositories.flatMap(({ directory, hooks }): Check[] => {
    const missing = Object.entries(hooks).flatMap(([name, state]) => (state === "installed" ? [] : [name]));
    if (missing.length === 0) return [];
    const detail = `git: ${missing.join(", ")} missing in ${directory}`;
    return [{ name: "hooks", status: "warn", detail, fix: `wharf hooks install ${directory}` }];
  });
  const ofAll: Check[] =
    all_repositories === null || all_repositories.installed
      ? []
      : [
          {
            name: "hooks",
            status: "warn",
            detail: `git: core.hooksPath in ${all_repositories.file} no longer names the hooks of wharf`,
            fix: "wharf hooks install --global",
          },
        ];
  return [...(ofAgents.length === 0 ? [none] : ofAgents), ...ofAll, ...ofRepositories];
}

async function checkQueue(io: Io): Promise<Check[]> {
  const { spool_files, events, rejected, problem } = await readQueueStatus(io);
  const waiting = `waiting: ${plural(spool_files, "hook")}, ${plural(events, "event")}`;
  const queue: Check =
    problem === null
      ? { name: "queue", status: "ok", detail: waiting, fix: null }
      : {
          name: "queue",
          status: "warn",
          detail: `${waiting}; ${problem.message} (${timeOf(io, problem.at)})`,
          fix: "wharf queue drain",
        };
  if (rejected === 0) return [queue];
  return [
    queue,
    { name: "rejected", status: "warn", detail: `${rejected} were refused`, fix: "wharf queue rejected" },
  ];
}
