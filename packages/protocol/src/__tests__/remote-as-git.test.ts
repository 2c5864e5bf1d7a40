import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseRemote } from "../remote.ts";

/** A remote, and what git gives to ssh for it: a host, and a path on that host. */
const REMOTES: readonly [remote: string, host: string, path: string][] = [
  ["git@host.example:user/repo.git", "host.example", "user/repo.git"],
  ["host.example:user/repo", "host.example", "user/repo"],
  ["git@host.example:/srv/repo", "host.example", "/srv/repo"],
  ["git@host.example:1234/repo.git", "host.example", "1234/repo.git"],
  ["host.example:22/user/repo", "host.example", "22/user/repo"],
  ["git@host.example:~me/repo", "host.example", "~me/repo"],
  ["git@work:repo", "work", "repo"],
  ["[git@host.example:2222]:user/repo", "host.example", "user/repo"],
  ["[host.example:2222]:user/repo", "host.example", "user/repo"],
  ["git@[host.example:2222]:user/repo", "host.example", "user/repo"],
  ["[2001:db8::1]:user/repo", "2001:db8::1", "user/repo"],
  ["git@[2001:db8::1]:user/repo", "2001:db8::1", "user/repo"],
  ["git@host.example:a:b/repo", "host.example", "a:b/repo"],
  ["git@host.example:user/c#", "host.example", "user/c#"],
  ["ssh://git@host.example/user/repo", "host.example", "/user/repo"],
  ["ssh://git@host.example:2222/user/repo", "host.example", "/user/repo"],
  ["ssh://host.example:/user/repo", "host.example", "/user/repo"],
  ["ssh://host.example/~me/repo", "host.example", "~me/repo"],
  ["ssh://[2001:db8::1]:22/user/repo", "2001:db8::1", "/user/repo"],
  ["ssh://a@b.example@host.example/user/repo", "host.example", "/user/repo"],
  ["git+ssh://git@host.example/user/repo", "host.example", "/user/repo"],
  ["ssh+git://git@host.example/user/repo", "host.example", "/user/repo"],
];

const git = Bun.which("git");
const folder = mkdtempSync(join(tmpdir(), "remote-as-git-"));
const fakeSsh = join(folder, "ssh");
writeFileSync(fakeSsh, '#!/bin/sh\nfor argument; do printf "%s\\n" "$argument"; done >&2\nexit 1\n', {
  mode: 0o755,
});
afterAll(() => rmSync(folder, { recursive: true }));
if (git === null)
  process.stdout.write("git is not installed: remotes are compared with written values only\n");

/** The host without its user, and the path, that git gives to ssh. */
async function askGit(remote: string): Promise<{ host: string; path: string }> {
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: folder,
    GIT_SSH_COMMAND: fakeSsh,
    GIT_SSH_VARIANT: "ssh",
  };
  const program = Bun.spawn([git ?? "git", "ls-remote", remote], {
    cwd: folder,
    env,
    stdout: "ignore",
    stderr: "pipe",
  });
  const said = await new Response(program.stderr).text();
  await program.exited;
  const [, destination = "", path = ""] = /^(\S+)\ngit-upload-pack '(.*)'$/m.exec(said) ?? [];
  return { host: destination.slice(destination.lastIndexOf("@") + 1), path };
}

/** A path is the same with and without the slash in front of it. */
const withoutSlash = (path: string) => path.replace(/^\//, "");

describe.each(REMOTES)("%s", (remote, host, path) => {
  test("names its host and its path", () => {
    const parsed = parseRemote(remote);
    expect(parsed?.host.replace(/^\[(.*)\]$/, "$1")).toBe(host);
    expect(withoutSlash(parsed?.path ?? "")).toBe(withoutSlash(path));
  });

  test.skipIf(git === null)("is read by git in the same way", async () => {
    expect(await askGit(remote)).toEqual({ host, path });
  });
});
