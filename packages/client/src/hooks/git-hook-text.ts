import { quoted } from "../served/shell.ts";

export const GIT_HOOKS = ["post-commit", "post-checkout", "post-merge", "pre-push", "post-rewrite"] as const;
export type GitHook = (typeof GIT_HOOKS)[number];

/** A hook that was there before ours is kept under this name, and run by ours. */
export const BEFORE_SUFFIX = ".before-wharf";
const MARK = "# Written by wharf";

/** Hooks that read what git writes to them: the hook before ours reads the same. */
const WITH_INPUT: ReadonlySet<GitHook> = new Set(["pre-push", "post-rewrite"]);

/**
 * The hook of a repository. It records in a subshell that has no output and cannot fail git; then the hook that was there before runs
 * with the arguments, the input and the name that git gave, and its exit code counts. A push that it refuses is not recorded.
 */
export function gitHookText(name: GitHook, script: string): string {
  const record = `[ ! -r "$wharf_git" ] || (. "$wharf_git" && wharf_record ${name} "$@")`;
  const steps = WITH_INPUT.has(name)
    ? `wharf_input=$(cat)
wharf_print() { [ -z "$wharf_input" ] || printf '%s\\n' "$wharf_input"; }
[ ! -x "$wharf_next" ] || wharf_print | wharf_run_next "$@" || exit $?
wharf_print | { ${record}; } >/dev/null 2>&1
exit 0`
    : `{ ${record}; } </dev/null >/dev/null 2>&1
[ ! -x "$wharf_next" ] || wharf_run_next "$@" || exit $?
exit 0`;
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

${steps}
`;
}

export function isOurGitHook(text: string): boolean {
  return text.includes(`\n${MARK}`);
}
