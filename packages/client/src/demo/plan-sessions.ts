import { createRandom, type Random } from "./random.ts";
import {
  type DemoCommit,
  type DemoDevice,
  type DemoSession,
  type DemoState,
  type DemoStep,
  type DemoTurn,
  endOfTurn,
  STEP_MS,
} from "./session.ts";
import { DEVICES, PROJECTS, type Project, type Story } from "./stories.ts";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const SESSIONS_ON_A_WORKDAY = [3, 6] as const;
const SESSIONS_ON_A_WEEKEND = [0, 2] as const;
const WORK_BEGINS_HOUR = 8;
const WORK_ENDS_HOUR = 19;
const CODEX_SHARE = 0.3;
const SUBAGENT_SHARE = 0.15;
const COMMIT_SHARE = 0.6;
const FOLLOW_UP_SHARE = 0.6;
/** A session of today has ended at least so long ago. */
const ENDED_BEFORE_MS = 2 * HOUR_MS;

/** What is open at the time of the load. */
const OPEN: readonly { device: number; project: number; state: DemoState; minutesAgo: number }[] = [
  { device: 0, project: 0, state: "working", minutesAgo: 1 },
  { device: 1, project: 1, state: "needs permission", minutesAgo: 4 },
  { device: 2, project: 2, state: "turn done", minutesAgo: 12 },
];

export type DemoOptions = { now: Date; days: number; seed: number };

/** The sessions of some days until `now` on three devices, the oldest first. The same for the same options. */
export function planSessions({ now, days, seed }: DemoOptions): DemoSession[] {
  const random = createRandom(seed);
  const sessions: DemoSession[] = [];
  for (let day = days; day >= 0; day--) {
    const midnight = Math.floor((now.getTime() - day * DAY_MS) / DAY_MS) * DAY_MS;
    for (const at of timesOf(midnight, random)) {
      if (at > now.getTime() - ENDED_BEFORE_MS) continue;
      sessions.push(planSession(random, new Date(at), random.of(DEVICES), random.of(PROJECTS), null));
    }
  }
  return [...sessions, ...OPEN.map((open) => planOpen(random, now, open))];
}

function timesOf(midnight: number, random: Random): number[] {
  const weekday = new Date(midnight).getUTCDay();
  const [min, max] = weekday === 0 || weekday === 6 ? SESSIONS_ON_A_WEEKEND : SESSIONS_ON_A_WORKDAY;
  const times = Array.from({ length: random.whole(min, max) }, () =>
    Math.round(midnight + random.between(WORK_BEGINS_HOUR, WORK_ENDS_HOUR) * HOUR_MS),
  );
  return times.sort((a, b) => a - b);
}

function planOpen(random: Random, now: Date, open: (typeof OPEN)[number]): DemoSession {
  const device = DEVICES[open.device] ?? DEVICES[0];
  const project = PROJECTS[open.project] ?? PROJECTS[0];
  const session = planSession(random, now, device, project, open.state);
  const [turn] = session.turns;
  const late = endOfTurn(turn).getTime() - (now.getTime() - open.minutesAgo * MINUTE_MS);
  return { ...session, turns: [{ ...turn, at: new Date(turn.at.getTime() - late) }] };
}

function planSession(
  random: Random,
  at: Date,
  device: DemoDevice,
  { repository, parts, stories }: Project,
  state: DemoState | null,
): DemoSession {
  const isCodex = random.chance(CODEX_SHARE);
  const story = storyOf(random.of(stories), random.of(parts));
  const first = planTurn(random, at, story, [story.prompt, story.answer], state === null);
  const follows = random.chance(FOLLOW_UP_SHARE) && state === null;
  const later = new Date(endOfTurn(first).getTime() + random.whole(1, 20) * MINUTE_MS);
  const hasSubagent = !isCodex && random.chance(SUBAGENT_SHARE);
  return {
    id: random.uuid(),
    agent: isCodex ? "codex" : "claude-code",
    model: isCodex
      ? random.of(["gpt-5.5", "gpt-6-sol"])
      : random.of(["claude-opus-5", "claude-sonnet-5", "claude-sonnet-5"]),
    device,
    repository,
    turns: follows
      ? [first, planTurn(random, later, story, [story.follow_up, story.follow_up_answer], true)]
      : [first],
    subagent: hasSubagent
      ? {
          agent_id: random.hex(8),
          task: `Find everything that this change touches: ${story.commit}.`,
          answer: `It touches ${pathsOf(story.steps).join(" and ")}, and nothing else.`,
        }
      : null,
    state,
    seed: random.whole(1, 2 ** 30),
  };
}

function planTurn(
  random: Random,
  at: Date,
  story: Story,
  [prompt, answer]: [string, string],
  mayCommit: boolean,
): DemoTurn {
  const commit = mayCommit && random.chance(COMMIT_SHARE) ? planCommit(random, story) : null;
  const steps = story.steps.map((step) =>
    mapTexts(step, (text) => text.replace("{secret}", `k8s-${random.hex(32)}`)),
  );
  return { at, prompt, steps: commit === null ? steps : [...steps, commitStep(commit)], answer, commit };
}

function storyOf({ steps, ...texts }: Story, part: string): Story {
  const name = part.replaceAll(" ", "-");
  return {
    ...mapTexts(texts, (text) => text.replaceAll("{part}", part)),
    steps: steps.map((step) => mapTexts(step, (text) => text.replaceAll("{part}", name))),
  };
}

/** The same object with its texts changed. */
function mapTexts<T extends object>(object: T, change: (text: string) => string): T {
  const changed = Object.entries(object).map(([key, value]) => [
    key,
    typeof value === "string" ? change(value) : value,
  ]);
  return { ...object, ...Object.fromEntries(changed) };
}

function planCommit(random: Random, { commit, steps }: Story): DemoCommit {
  const [insertions, deletions] = [random.whole(4, 160), random.whole(1, 60)];
  return { hash: random.hex(40), message: commit, files: pathsOf(steps), insertions, deletions };
}

function commitStep({ hash, message, files, insertions, deletions }: DemoCommit): DemoStep {
  const changes = `${files.length} files changed, ${insertions} insertions(+), ${deletions} deletions(-)`;
  const output = `[main ${hash.slice(0, 8)}] ${message}\n ${changes}\n`;
  return { tool: "run", command: `git commit -am "${message}"`, output, exit_code: 0 };
}

function pathsOf(steps: readonly DemoStep[]): string[] {
  return [...new Set(steps.flatMap((step) => (step.tool === "edit" ? [step.path] : [])))];
}

/** When the commit of a turn is made: with its last call. */
export function commitTime({ at, steps }: DemoTurn): Date {
  return new Date(at.getTime() + steps.length * STEP_MS);
}
