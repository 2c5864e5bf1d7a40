import { quoted } from "../served/shell.ts";

/** Hooks that record. */
export const GIT_HOOKS = ["post-commit", "post-checkout", "post-merge", "pre-push", "post-rewrite"] as const;
export type GitHook = (typeof GIT_HOOKS)[number];

/**
 * All others that git looks for. Left out: push-to-checkout and proc-receive, which change what git does by being there.
 */
const OTHER_GIT_HOOKS = [
  "applypatch-msg",
  "pre-applypatch",
  "post-applypatch",
  "pre-commit",
  "pre-merge-commit",
  "prepare-commit-msg",
  "commit-msg",
  "pre-rebase",
  "pre-auto-gc",
  "post-index-change",
  "reference-transaction",
  "sendemail-validate",
  "pre-receive",
  "update",
  "post-receive",
  "post-update",
] as const;

/** A hook that was there before ours is kept under this name, and run by ours. */
export const BEFORE_SUFFIX = ".before-wharf";
const MARK = "# Written by wharf";

/** Hooks that read what git writes to them: the hook before ours reads the same. */
const WITH_INPUT: ReadonlySet<GitHook> = new Set(["pre-push", "post-rewrite"]);

/** Finds the hook of the repository itself, which git leaves out for core.hooksPath: that of the main worktree. */
const findOwn = (name: string) => `wharf_dir=\${GIT_DIR:-.git}
[ -d "$wharf_dir" ] || wharf_dir=$(git rev-parse --git-dir 2>/dev/null)
wharf_common=
if [ -r "$wharf_dir/commondir" ]; then IFS= read -r wharf_common <"$wharf_dir/commondir"; fi
case $wharf_common in
  '') ;;
  /*) wharf_dir=$wharf_common ;;
  *) wharf_dir=$wharf_dir/$wharf_common ;;
esac
wharf_next=$wharf_dir/hooks/${name}`;

/**
 * The hook of a repository. It records in a subshell that has no output and cannot fail git; then the hook that was there before runs
 * with the arguments, the input and the name that git gave, and its exit code counts. A push that it refuses is not recorded.
 */
export function gitHookText(name: GitHook, script: string): string {
  return `#!/bin/sh
${MARK}: records git activity, then runs the hook that was here before. Remove it with: wharf hooks uninstall
wharf_git=${quoted(script)}
wharf_next=$0${BEFORE_SUFFIX}

wharf_run_next() {
  wharf_first=
  IFS= read -r wharf_first <"$wharf_next"
  case $wharf_first in
    # Hooks in sh may depend on their own name and directory.
    '#!/bin/sh' | '#!/usr/bin/env sh') sh -c 'wharf_next=$1; shift; . "$wharf_next"' "$0" "$wharf_next" "$@" ;;
    *) "$wharf_next" "$@" ;;
  esac
}

${stepsOf(name)}
`;
}

/** The hooks of all repositories, by name. Each runs the one of the repository; what that records by itself is recorded once. */
export function globalHookTexts(script: string): Map<string, string> {
  const begin = `#!/bin/sh
${MARK} for all repositories: runs the hook of the repository. Remove it with: wharf hooks uninstall`;
  const others = OTHER_GIT_HOOKS.map((name): [string, string] => [
    name,
    `${begin}\n${findOwn(name)}\n[ ! -x "$wharf_next" ] || exec "$wharf_next" "$@"\nexit 0\n`,
  ]);
  const recording = GIT_HOOKS.map((name): [string, string] => [
    name,
    `${begin}
wharf_git=${quoted(script)}
${findOwn(name)}

wharf_run_next() { "$wharf_next" "$@"; }
wharf_second=
if [ -x "$wharf_next" ]; then { read -r wharf_second; IFS= read -r wharf_second; } <"$wharf_next"; fi
case $wharf_second in '${MARK}'*) exec "$wharf_next" "$@" ;; esac

${stepsOf(name)}
`,
  ]);
  return new Map([...others, ...recording]);
}

function stepsOf(name: GitHook): string {
  const record = `[ ! -r "$wharf_git" ] || (. "$wharf_git" && wharf_record ${name} "$@")`;
  return WITH_INPUT.has(name)
    ? `wharf_input=$(cat)
wharf_print() { [ -z "$wharf_input" ] || printf '%s\\n' "$wharf_input"; }
[ ! -x "$wharf_next" ] || wharf_print | wharf_run_next "$@" || exit $?
wharf_print | { ${record}; } >/dev/null 2>&1
exit 0`
    : `{ ${record}; } </dev/null >/dev/null 2>&1
[ ! -x "$wharf_next" ] || wharf_run_next "$@" || exit $?
exit 0`;
}

export function isOurGitHook(text: string): boolean {
  return text.includes(`\n${MARK}`);
}
