import { realpath } from "node:fs/promises";
import { canonicalWorkspaceId } from "@wharf/protocol/workspace";
import type { FindPlace } from "../git/find-place.ts";
import { statIfThere } from "../spool/files.ts";
import type { LocalFile } from "../transcripts/file-state.ts";
import { readOrigin } from "../transcripts/find-transcripts.ts";
import { originPathOf } from "../transcripts/session-files.ts";
import { readShareRules, type ShareLevel, type ShareRule, stricter } from "./rules.ts";

type Origin = { cwd: string | null; git_remote: string | null };
/** `null`: not known. */
type Known = { agent: string | null; paths: string[] | null; repository: string | null };

/** `agent` null: git. `transcript`: its path. */
export type HookOrigin = { agent: string | null; cwd: string | null; transcript: string | null };

export type ShareLevels = {
  /** Of a transcript file: by where its session began. */
  ofFile(file: LocalFile): Promise<ShareLevel>;
  /** Of a hook: by its directory, and where the session of its transcript began. */
  ofHook(hook: HookOrigin): Promise<ShareLevel>;
};

/** Reads the rules again each time. Throws ShareRulesError. */
export function createShareLevels(file: string, findPlace: FindPlace): ShareLevels {
  async function levelAt(rules: readonly ShareRule[], agent: string | null, origin: Origin) {
    return levelOf(rules, { agent, ...(await locate(origin, findPlace)) });
  }

  return {
    async ofFile({ agent, ...rest }) {
      const rules = await readShareRules(file);
      return rules.length === 0
        ? "full"
        : await levelAt(rules, agent, await readOrigin(originPathOf({ agent, ...rest })));
    },
    async ofHook({ agent, cwd, transcript }) {
      const rules = await readShareRules(file);
      if (rules.length === 0) return "full";
      const level = await levelAt(rules, agent, { cwd, git_remote: null });
      const origin = transcript === null ? null : await readOrigin(transcript);
      // The first hook of a session comes before its first line.
      return origin === null || origin.cwd === null
        ? level
        : stricter(level, await levelAt(rules, agent, origin));
    },
  };
}

/** A directory that is gone may have been of any repository. */
async function locate({ cwd, git_remote }: Origin, findPlace: FindPlace): Promise<Omit<Known, "agent">> {
  const named = git_remote === null ? null : canonicalWorkspaceId(git_remote);
  if (cwd === null) return { paths: null, repository: named };
  const isThere = (await statIfThere(cwd)) !== null;
  const repository = named ?? (isThere ? (await findPlace(cwd)).workspace_id : null);
  return { paths: [cwd, isThere ? await realpath(cwd) : cwd], repository };
}

/**
 * The rule with the most conditions applies; of equal ones the one with the longer path, then the stricter one. A rule that may apply,
 * because the place is not known, makes the level stricter, never less strict.
 */
export function levelOf(rules: readonly ShareRule[], known: Known): ShareLevel {
  const certain = rules.filter((rule) => applies(rule, known) === "yes").sort(bySpecificity);
  const possible = rules.filter((rule) => applies(rule, known) === "maybe");
  return possible.reduce((level, rule) => stricter(level, rule.level), certain[0]?.level ?? "full");
}

function bySpecificity(a: ShareRule, b: ShareRule): number {
  const conditions = ({ repository, path, agent }: ShareRule) =>
    [repository, path, agent].filter((condition) => condition !== null).length;
  const length = ({ path }: ShareRule) => path?.length ?? 0;
  const strictness = stricter(a.level, b.level) === a.level ? -1 : 1;
  return conditions(b) - conditions(a) || length(b) - length(a) || strictness;
}

function applies({ repository, path, agent }: ShareRule, known: Known): "yes" | "no" | "maybe" {
  // A rule of an agent does not apply to git.
  if (agent !== null && agent !== known.agent) return "no";
  const answers = [
    path === null ? "yes" : known.paths === null ? "maybe" : known.paths.some((one) => isBelow(one, path)),
    repository === null ? "yes" : known.repository === null ? "maybe" : known.repository === repository,
  ];
  if (answers.includes(false)) return "no";
  return answers.includes("maybe") ? "maybe" : "yes";
}

function isBelow(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory.endsWith("/") ? directory : `${directory}/`);
}
