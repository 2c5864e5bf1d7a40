import { afterEach, describe, expect, test } from "bun:test";
import { chmod, lstat, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { useMachine } from "../../__tests__/machine.ts";
import { installGitHooks, readRepositoryHooks, uninstallGitHooks } from "../../hooks/git-hooks.ts";
import {
  applyHooks,
  applyRemoval,
  planHooks,
  planRemoval,
  readHookStatus,
} from "../../hooks/manage-hooks.ts";
import type { HookManagement } from "../../hooks/read-repositories.ts";
import { convertHook } from "../../spool/convert-hook.ts";
import { listSpool } from "../../spool/list-spool.ts";
import { readHookFile } from "../../spool/read-hook-file.ts";

const machine = useMachine();
let count = 0;

afterEach(async () => {
  for (const name of await machine.spooled()) await rm(join(machine.paths.spool, name));
});

const script = () => join(machine.paths.hooks, "git.sh");

async function git(cwd: string, words: string[], env: Record<string, string> = {}): Promise<string> {
  const identity = {
    GIT_AUTHOR_NAME: "Ada",
    GIT_AUTHOR_EMAIL: "ada@example.com",
    GIT_COMMITTER_NAME: "Ada",
    GIT_COMMITTER_EMAIL: "ada@example.com",
  };
  const child = Bun.spawn(["git", "-c", "protocol.file.allow=always", ...words], {
    cwd,
    env: { ...machine.environment(), ...identity, GIT_EDITOR: "true", ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [output, errors] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  if ((await child.exited) !== 0) throw new Error(`git ${words.join(" ")}: ${errors}`);
  return output.trim();
}

async function repository({ isBare = false } = {}): Promise<string> {
  count += 1;
  const path = join(machine.home, `repository ${count}'s`);
  await mkdir(path);
  await git(path, ["init", "-q", "-b", "main", ...(isBare ? ["--bare"] : [])]);
  return path;
}

async function install(path: string): Promise<void> {
  const found = await readRepositoryHooks(machine.dependencies().run, path, script());
  if (found === null) throw new Error("no repository");
  await installGitHooks(found, script());
}

async function commit(path: string, message: string, env: Record<string, string> = {}): Promise<string> {
  count += 1;
  await writeFile(join(path, `file ${count}`), `${count}\n`);
  await git(path, ["add", "."]);
  await git(path, ["commit", "-q", "-m", message], env);
  return git(path, ["rev-parse", "HEAD"]);
}

/** The events of what is in the spool, oldest first. */
async function takeEvents() {
  const events = [];
  for (const { name, time_ms } of (await listSpool(machine.paths.spool)).waiting) {
    const bytes = await readFile(join(machine.paths.spool, name));
    events.push(...(await convertHook(readHookFile(name, bytes, time_ms), machine.dependencies())).events);
    await rm(join(machine.paths.spool, name));
  }
  return events;
}

describe("git activity becomes events:", () => {
  test("a commit with its files, in the workspace of the remote", async () => {
    const path = await repository();
    await git(path, ["remote", "add", "origin", "https://user:secret-of-ada@github.com/acme/site.git"]);
    await commit(path, "first");
    await install(path);
    const message = `Say "hi" 'there'\n\n$(touch x) é 😀\nlast`;
    const hash = await commit(path, message, { WHARF_SESSION_ID: "session-1" });
    const [event, ...others] = await takeEvents();
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      type: "git.commit",
      workspace_id: "github.com/acme/site",
      session_id: "session-1",
    });
    expect(event?.data).toMatchObject({
      hash,
      message,
      author_name: "Ada",
      branch: "main",
      files_changed: 1,
      insertions: 1,
      deletions: 0,
      file_list: [{ status: "added" }],
      cwd: path,
    });
    expect(JSON.stringify(event)).not.toContain("secret-of-ada");
  });

  test("a commit with bytes that are not UTF-8, and none for a commit that is gone", async () => {
    const path = await repository();
    await install(path);
    await writeFile(Buffer.concat([Buffer.from(join(path, "caf")), Buffer.of(0xe9)]), "x");
    await git(path, ["add", "."]);
    await writeFile(join(path, "message"), Buffer.from([0x63, 0xe9, 0x0a]));
    await git(path, ["-c", "i18n.commitEncoding=UTF-8", "commit", "-q", "-F", "message"]);
    const [event] = await takeEvents();
    expect(event?.data).toMatchObject({ message: "cé", file_list: [{ path: "caf\uFFFD" }] });
    await commit(path, "second");
    await rm(path, { recursive: true });
    expect(await takeEvents()).toEqual([]);
  });

  test("a commit of a branch that is another name of one", async () => {
    const path = await repository();
    await commit(path, "first");
    await git(path, ["symbolic-ref", "refs/heads/alias", "refs/heads/main"]);
    await git(path, ["checkout", "-q", "alias"]);
    await install(path);
    const hash = await commit(path, "second");
    expect((await takeEvents()).map(({ data }) => data)).toMatchObject([{ hash, branch: "alias" }]);
  });

  test("a commit without the programs that the repository's configuration names", async () => {
    const path = await repository();
    const ran = join(machine.home, "ran");
    const program = join(machine.home, "program");
    await writeFile(program, `#!/bin/sh\necho "$@" >>'${ran}'\n`);
    await chmod(program, 0o755);
    await writeFile(join(path, ".gitattributes"), "* diff=text filter=text\n");
    await writeFile(join(path, "text"), "first\n");
    await commit(path, "first");
    await install(path);
    await writeFile(join(path, "text"), "second\n");
    const hash = await commit(path, "second");
    const blob = await git(path, ["rev-parse", "HEAD^:text"]);
    for (const [name, value] of [
      ["core.fsmonitor", program],
      ["diff.external", program],
      ["diff.text.textconv", program],
      ["filter.text.clean", program],
      ["gpg.program", program],
      ["log.showSignature", "true"],
      ["protocol.file.allow", "always"],
      ["remote.origin.url", `file://${path}`],
      ["remote.origin.uploadpack", program],
      ["remote.origin.promisor", "true"],
      ["extensions.partialClone", "origin"],
      ["core.repositoryFormatVersion", "1"],
    ] as const)
      await git(path, ["config", name, value]);
    await rm(join(path, ".git/objects", blob.slice(0, 2), blob.slice(2)));
    expect((await takeEvents()).map(({ data }) => data)).toMatchObject([{ hash, files_changed: 2 }]);
    expect(await Bun.file(ran).exists()).toBe(false);
  });

  test("an amended and a rebased commit with what they replace", async () => {
    const path = await repository();
    await commit(path, "root");
    await install(path);
    const before = await commit(path, "typo");
    await takeEvents();
    await git(path, ["commit", "-q", "--amend", "-m", "fixed"]);
    const after = await git(path, ["rev-parse", "HEAD"]);
    const amended = await takeEvents();
    expect(amended.map(({ type }) => type).sort()).toEqual(["git.commit", "git.rewrite"]);
    const rewrite = amended.find(({ type }) => type === "git.rewrite");
    expect(rewrite?.data).toEqual({ kind: "amend", pairs: [{ old: before, new: after }] });

    await git(path, ["checkout", "-q", "-b", "topic", "HEAD~1"]);
    await commit(path, "topic");
    const checkouts = (await takeEvents()).filter(({ type }) => type === "git.checkout");
    expect(checkouts.map(({ data }) => data)).toMatchObject([
      { from_branch: "main", to_branch: "topic", from_ref: after },
    ]);
    await git(path, ["rebase", "-q", "main"]);
    const rebased = (await takeEvents()).filter(({ type }) => type === "git.rewrite");
    expect(rebased).toHaveLength(1);
    expect(rebased[0]?.data).toMatchObject({
      kind: "rebase",
      pairs: [{ new: await git(path, ["rev-parse", "HEAD"]) }],
    });
  });

  test("a merge, a fast-forward and a merge after conflicts", async () => {
    const path = await repository();
    await commit(path, "root");
    await install(path);
    await git(path, ["checkout", "-q", "-b", "feature/a"]);
    await commit(path, "on the branch");
    await git(path, ["checkout", "-q", "main"]);
    await takeEvents();
    await git(path, ["merge", "-q", "--ff-only", "feature/a"]);
    expect((await takeEvents()).map(({ type, data }) => ({ type, data }))).toMatchObject([
      { type: "git.merge", data: { merged_branch: "feature/a", into_branch: "main", had_conflicts: false } },
    ]);
    await git(path, ["checkout", "-q", "-b", "b"]);
    await writeFile(join(path, "both"), "b\n");
    await commit(path, "b");
    await git(path, ["checkout", "-q", "main"]);
    await writeFile(join(path, "both"), "main\n");
    await commit(path, "main");
    await takeEvents();
    await expect(git(path, ["merge", "-q", "b"])).rejects.toThrow();
    await writeFile(join(path, "both"), "merged\n");
    await git(path, ["commit", "-q", "-a", "--no-edit"]);
    const events = await takeEvents();
    expect(events.find(({ type }) => type === "git.merge")?.data).toMatchObject({
      merged_branch: "b",
      had_conflicts: true,
    });
  });

  test("a push of a new branch and of more commits, and none that the hook before ours refuses", async () => {
    const [path, bare] = [await repository(), await repository({ isBare: true })];
    await git(bare, ["config", "receive.denyDeleteCurrent", "ignore"]);
    await git(path, ["remote", "add", "origin", bare]);
    const first = await commit(path, "1");
    await writeFile(
      join(path, ".git/hooks/pre-push"),
      `#!/bin/sh\ncat >"$PWD/.git/seen"\necho "$1 $0" >>"$PWD/.git/seen"\n[ ! -e "$PWD/.git/refuse" ]\n`,
    );
    await chmod(join(path, ".git/hooks/pre-push"), 0o755);
    await install(path);
    await git(path, ["push", "-q", "origin", "main"]);
    expect((await takeEvents()).map(({ data }) => data)).toEqual([
      { branch: "main", remote: "origin", commit_count: 1, commits: [first] },
    ]);
    expect(await readFile(join(path, ".git/seen"), "utf8")).toBe(
      `refs/heads/main ${first} refs/heads/main ${"0".repeat(40)}\norigin .git/hooks/pre-push\n`,
    );
    await commit(path, "2");
    await commit(path, "3");
    await takeEvents();
    await writeFile(join(path, ".git/refuse"), "");
    await expect(git(path, ["push", "-q", "origin", "main"])).rejects.toThrow();
    expect(await takeEvents()).toEqual([]);
    await rm(join(path, ".git/refuse"));
    await git(path, ["push", "-q", "origin", "main"]);
    expect((await takeEvents()).map(({ data }) => data)).toMatchObject([{ commit_count: 2 }]);
    await git(path, ["push", "-q", "origin", "--delete", "main"]);
    expect(await takeEvents()).toEqual([]);
  });

  test("commits in a worktree, in a submodule and at a detached head", async () => {
    const [path, library] = [await repository(), await repository()];
    await commit(library, "library");
    await commit(path, "root");
    await install(path);
    await git(path, ["worktree", "add", "-q", "../work tree", "-b", "side"]);
    await takeEvents();
    const tree = join(machine.home, "work tree");
    const hash = await commit(tree, "in the tree");
    expect((await takeEvents())[0]?.data).toMatchObject({ hash, branch: "side", cwd: tree });

    await git(path, ["submodule", "add", "-q", library, "lib"]);
    const sub = join(path, "lib");
    await install(sub);
    const inside = await commit(sub, "inside");
    const [event] = await takeEvents();
    expect(event?.data).toMatchObject({ hash: inside, cwd: sub });

    await git(path, ["checkout", "-q", "--detach"]);
    await takeEvents();
    const detached = await commit(path, "detached");
    expect((await takeEvents())[0]?.data).toMatchObject({ hash: detached, branch: "HEAD" });
    await git(path, ["checkout", "-q", "--", "."]);
    expect(await takeEvents()).toEqual([]);
  });

  test("a commit without remotes belongs to the workspace of the first commit", async () => {
    const path = await repository();
    await install(path);
    await commit(path, "first");
    expect((await takeEvents())[0]?.workspace_id).toMatch(/^local:[0-9a-f]{64}$/);
  });

  test("the session of an agent above git, unless its file names another session", async () => {
    const path = await repository();
    await install(path);
    const config = join(machine.home, ".claude");
    await mkdir(join(config, "sessions"), { recursive: true });
    const { sessions } = machine.dependencies();
    await sessions.begin([`${process.pid}`], { session_id: "s-1", config, time_ms: 1 });
    await commit(path, "no file of the agent");
    await writeFile(
      join(config, "sessions", `${process.pid}.json`),
      JSON.stringify({ pid: process.pid, sessionId: "s-1" }),
    );
    await commit(path, "the same session");
    await sessions.begin([`${process.pid}`], { session_id: "s-2", config, time_ms: 2 });
    const ids = (await takeEvents()).map(({ session_id }) => session_id);
    expect(ids).toEqual([null, null]);
    await sessions.begin([`${process.pid}`], { session_id: "s-1", config, time_ms: 3 });
    await commit(path, "again");
    expect((await takeEvents()).map(({ session_id }) => session_id)).toEqual(["s-1"]);
  });
});

describe("hooks of a repository", () => {
  test("come back as they were: a program, a link, a file that is not executable", async () => {
    const path = await repository();
    const hooks = join(path, ".git/hooks");
    await writeFile(join(hooks, "post-commit"), '#!/usr/bin/env bash\n[[ a ]] && echo "$0 bash" >.git/ran\n');
    await chmod(join(hooks, "post-commit"), 0o750);
    await symlink("../elsewhere", join(hooks, "post-merge"));
    await writeFile(join(hooks, "post-checkout"), "exit 7\n");
    await chmod(join(hooks, "post-checkout"), 0o644);
    await install(path);
    await install(path);
    await commit(path, "x");
    expect(await readFile(join(path, ".git/ran"), "utf8")).toBe(".git/hooks/post-commit.before-wharf bash\n");
    await git(path, ["checkout", "-q", "-b", "other"]);
    expect((await takeEvents()).map(({ type }) => type)).toEqual(["git.commit", "git.checkout"]);

    const run = machine.dependencies().run;
    const found = await readRepositoryHooks(run, path, script());
    expect(found?.hooks.map(({ state }) => state)).toEqual(Array(5).fill("installed"));
    if (found !== null) await uninstallGitHooks(found);
    expect(await readFile(join(hooks, "post-commit"), "utf8")).toStartWith("#!/usr/bin/env bash");
    expect((await lstat(join(hooks, "post-commit"))).mode & 0o777).toBe(0o750);
    expect((await lstat(join(hooks, "post-merge"))).isSymbolicLink()).toBe(true);
    expect((await lstat(join(hooks, "post-checkout"))).mode & 0o777).toBe(0o644);
    expect((await readRepositoryHooks(run, path, script()))?.hooks.map(({ state }) => state)).toEqual([
      "other",
      "other",
      "other",
      "missing",
      "missing",
    ]);
  });

  test("of husky keep their name and directory, and their exit code counts", async () => {
    const path = await repository();
    await mkdir(join(path, ".husky/_"), { recursive: true });
    await writeFile(join(path, ".husky/_/.gitignore"), "*");
    await writeFile(join(path, ".husky/_/post-checkout"), '#!/usr/bin/env sh\n. "$(dirname "$0")/h"');
    await writeFile(
      join(path, ".husky/_/h"),
      'n=$(basename "$0")\ns=$(dirname "$(dirname "$0")")/$n\n[ ! -f "$s" ] && exit 0\nsh -e "$s" "$@"\nexit $?\n',
    );
    await writeFile(join(path, ".husky/post-checkout"), 'echo "$1" >checked\nexit 3\n');
    await chmod(join(path, ".husky/_/post-checkout"), 0o755);
    await git(path, ["config", "core.hooksPath", ".husky/_"]);
    const first = await commit(path, "x");
    await install(path);
    await expect(git(path, ["checkout", "-q", "-b", "b"])).rejects.toThrow();
    expect(await readFile(join(path, "checked"), "utf8")).toBe(`${first}\n`);
    expect((await takeEvents()).map(({ type }) => type)).toEqual(["git.checkout"]);
  });

  test("that are files of the repository are not changed", async () => {
    const path = await repository();
    await mkdir(join(path, "tools"));
    await git(path, ["config", "core.hooksPath", "tools"]);
    const found = await readRepositoryHooks(machine.dependencies().run, path, script());
    expect(found?.refusal).toContain("tools/");
    await install(path);
    expect(await lstat(join(path, "tools/post-commit")).catch(() => null)).toBeNull();
  });

  test("do not fail git when the data directory is gone, and are refused outside of a repository", async () => {
    const path = await repository();
    await install(path);
    const hook = join(path, ".git/hooks/post-commit");
    await writeFile(hook, (await readFile(hook, "utf8")).replace("/hooks/git.sh", "/hooks/gone.sh"));
    expect(await commit(path, "x")).toHaveLength(40);
    expect(await takeEvents()).toEqual([]);
    expect(await readRepositoryHooks(machine.dependencies().run, machine.home, script())).toBeNull();
  });
});

describe("hooks of all repositories", () => {
  const config = () => join(machine.home, ".gitconfig");
  const management = (): HookManagement => ({
    environment: machine.environment(),
    home: machine.home,
    cwd: machine.home,
    configHome: join(machine.home, ".config"),
    paths: machine.paths,
    command: { path: join(machine.home, "wharf stub"), launcher: null },
    run: machine.dependencies().run,
  });
  const installGlobal = async (directories: string[] = []) => {
    const changes = await planHooks(management(), { directories, isGlobal: true });
    await applyHooks(management(), changes);
    return changes;
  };
  const uninstallAll = async () => applyRemoval(management(), await planRemoval(management(), []));
  /** Of what was spooled, by the name of the hook. */
  const recorded = async () => (await takeEvents()).map(({ type }) => type);
  const writeHook = async (directory: string, name: string, text: string) => {
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  };

  afterEach(async () => {
    await uninstallAll();
    await rm(config(), { force: true });
  });

  test("run those of each repository, record once, and leave the configuration as it was", async () => {
    const before = "[user]\n  name = Ada ; me\n[core]\n\tautocrlf = false # mine\n";
    await writeFile(config(), before, { mode: 0o600 });
    const [path, ran] = [await repository(), join(machine.home, "ran")];
    const own = join(path, ".git/hooks");
    for (const name of ["pre-commit", "commit-msg", "post-commit"])
      await writeHook(own, name, `echo "${name} $#" >>'${ran}'`);
    await installGlobal();
    await commit(path, "first");
    expect(await readFile(ran, "utf8")).toBe("pre-commit 0\ncommit-msg 1\npost-commit 0\n");
    expect(await recorded()).toEqual(["git.commit"]);

    await git(path, ["worktree", "add", "-q", "../tree", "-b", "side"]);
    expect(await recorded()).toEqual(["git.checkout"]);
    await commit(join(machine.home, "tree"), "in a worktree");
    expect(await recorded()).toEqual(["git.commit"]);
    expect((await readFile(ran, "utf8")).split("\n")).toHaveLength(7);

    await installGlobal([path]);
    expect((await readHookStatus(management())).all_repositories).toEqual({
      file: config(),
      installed: true,
    });
    await commit(path, "with hooks of its own, too");
    expect(await recorded()).toEqual(["git.commit"]);

    await writeHook(own, "pre-commit", "exit 3");
    await expect(commit(path, "refused")).rejects.toThrow();
    await uninstallAll();
    expect(await readFile(config(), "utf8")).toBe(before);
    expect(await readFile(join(own, "post-commit"), "utf8")).toContain("post-commit $#");
    expect((await readHookStatus(management())).all_repositories).toBeNull();
  });

  test("are added to those that this user has for all repositories, which are run", async () => {
    const [shared, ran] = [join(machine.home, "shared hooks"), join(machine.home, "ran shared")];
    await writeHook(shared, "post-commit", `echo shared >>'${ran}'`);
    await writeFile(config(), `[core]\n\thooksPath = ~/shared hooks\n`);
    const changes = await installGlobal();
    expect(changes.repositories).toMatchObject([{ directory: shared, hooks: { is_shared: true } }]);
    await commit(await repository(), "first");
    expect(await readFile(ran, "utf8")).toBe("shared\n");
    expect(await recorded()).toEqual(["git.commit"]);
    expect((await readHookStatus(management())).repositories).toMatchObject([{ directory: shared }]);
    await uninstallAll();
    expect(await readdir(shared)).toEqual(["post-commit"]);
    expect(await readFile(config(), "utf8")).toContain("shared hooks");
  });

  test("of a repository are installed in its submodules, too", async () => {
    const [outer, inner] = [await repository(), await repository()];
    await commit(inner, "inner");
    await git(outer, ["submodule", "--quiet", "add", inner, "vendor"]);
    await git(outer, ["commit", "-q", "-m", "with a submodule"]);
    const changes = await planHooks(management(), { directories: [outer, machine.home], isGlobal: false });
    expect(changes.not_repositories).toEqual([machine.home]);
    expect(changes.repositories.map(({ directory }) => directory)).toEqual([outer, join(outer, "vendor")]);
    await applyHooks(management(), changes);
    await commit(join(outer, "vendor"), "in the submodule");
    expect(await recorded()).toEqual(["git.commit"]);
  });
});
