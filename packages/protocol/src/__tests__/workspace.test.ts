import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { withoutCredentials, withoutUrlCredentials } from "../credentials.ts";
import {
  canonicalWorkspaceId,
  chooseRemote,
  localWorkspaceId,
  UNASSOCIATED_WORKSPACE,
  workspaceDisplayName,
} from "../workspace.ts";

const REPO = "github.com/user/repo";

describe("every way to write a remote leads to one canonical id", () => {
  test.each([
    "git@github.com:user/repo.git",
    "git@github.com:user/repo",
    "git@github.com:/user/repo.git",
    "github.com:user/repo.git",
    "[git@github.com:2222]:user/repo.git",
    "git@[github.com:2222]:user/repo",
    "hg::https://me:secret@github.com/user/repo",
    "gcrypt::git@github.com:user/repo",
    "tok:secret@github.com/user/repo.git",
    "tok:secret@github.com:8443/user/repo.git",
    "secret@github.com/user/repo",
    "me@corp.example:secret@github.com/user/repo",
    'https://me:se cr"et@github.com/user/repo',
    "git@github.com:user/repo?token=secret",
    "ssh://git@ssh.github.com:443/user/repo.git",
    "https://www.github.com/user/repo",
    "https://github.com/user/repo",
    "https://github.com/user/repo.git",
    "https://github.com/user/repo.git/",
    "https://github.com/user/repo///",
    "https://github.com//user/repo",
    "https://tok@github.com:443/user/repo",
    "https://user:p%40ss@github.com/user/repo.git",
    "https://user@corp.example:secret@github.com/user/repo",
    "http://github.com:80/user/repo",
    "HTTPS://GitHub.COM/user/repo",
    "https://github.com./user/repo",
    "https://github.com/user/repo?token=abc#readme",
    "ssh://git@github.com:22/user/repo.git/",
    "ssh://git@github.com/user/repo",
    "git+ssh://git@github.com/user/repo.git",
    "git://github.com/user/repo.git",
    "ftps://github.com/user/repo",
    "GitHub.com/user/repo",
    "github.com/user/repo/",
    "github.com/user/repo.git",
    "github.com/user/repo?tab=readme",
    "  https://github.com/user/repo\n",
    REPO,
  ])("%s", (text) => {
    expect(canonicalWorkspaceId(text)).toBe(REPO);
  });
});

describe("what an id keeps", () => {
  test.each([
    ["https://GitHub.com/User/Repo.git", "github.com/User/Repo"],
    ["git@gitlab.com:group/sub/project.git", "gitlab.com/group/sub/project"],
    ["git@host.example:~me/repo.git", "host.example/~me/repo"],
    ["git@github.com:1234/repo.git", "github.com/1234/repo"],
    ["github.com:443/repo.git", "github.com/443/repo"],
    ["git@gitlab.com:2024/course/task.git", "gitlab.com/2024/course/task"],
    ["git@[2001:db8::1]:user/repo", "[2001:db8::1]/user/repo"],
    ["ssh://git@altssh.gitlab.com:443/user/repo.git", "gitlab.com/user/repo"],
    ["ssh://git@altssh.bitbucket.org:443/user/repo.git", "bitbucket.org/user/repo"],
    ["git@ssh.dev.azure.com:v3/org/project/repo", "dev.azure.com/org/project/_git/repo"],
    ["https://org@dev.azure.com/org/project/_git/repo", "dev.azure.com/org/project/_git/repo"],
    ["https://dev.azure.com/org/_git/repo", "dev.azure.com/org/repo/_git/repo"],
    ["org@vs-ssh.visualstudio.com:v3/org/project/repo", "dev.azure.com/org/project/_git/repo"],
    [
      "https://org.visualstudio.com/DefaultCollection/project/_git/repo",
      "dev.azure.com/org/project/_git/repo",
    ],
    ["git@work:user/repo.git", "work/user/repo"],
    ["git@work:repo.git", "work/repo"],
    ["work/user/repo", "work/user/repo"],
    ["ssh://localhost:2222/srv/repo.git", "localhost/srv/repo"],
    ["ssh://git@[2001:db8::1]:22/user/repo", "[2001:db8::1]/user/repo"],
    ["[2001:db8::1]/user/repo", "[2001:db8::1]/user/repo"],
    ["https://my_host.example/user/repo", "my_host.example/user/repo"],
    ["https://münchen.example/user/repo", "münchen.example/user/repo"],
    ["https://dev.azure.com/org/My%20Project/_git/repo", "dev.azure.com/org/My%20Project/_git/repo"],
    ["https://dev.azure.com/org/My Project/_git/repo", "dev.azure.com/org/My%20Project/_git/repo"],
    ["git@host.example:user/c#", "host.example/user/c%23"],
    ["https://host.example/user/c%23.git", "host.example/user/c%23"],
    ["https://host.example/user/repo@v2", "host.example/user/repo@v2"],
    ["https://host.example/repo.github.io.git", "host.example/repo.github.io"],
    ["https://host.example/a/repo.git.git", "host.example/a/repo"],
    ["https://host.example/a/.git", "host.example/a"],
  ])("%s is %s", (text, id) => {
    expect(canonicalWorkspaceId(text)).toBe(id);
  });
});

describe("text that is no remote has no canonical id", () => {
  test.each([
    "",
    "   ",
    "repo",
    "not a remote",
    "see github.com/user/repo",
    "C:\\Users\\me\\repo",
    "C:/Users/me/repo",
    "c:repo",
    "\\\\server\\share\\repo",
    "/home/me/repo",
    "./repo",
    "../repo",
    "~/repo",
    "Documents/repo",
    "file:///home/me/repo",
    "file:/home/me/repo",
    "javascript://github.com/user/repo",
    "https://",
    "https://github.com",
    "https://github.com/",
    "https://github.com/.git",
    "https://github.com/.",
    "https:///user/repo",
    "https://github.com/../../etc/passwd",
    "git@github.com:../repo",
    "git@github.com:",
    "https:/user:secret@github.com/user/repo",
    "https:user:secret@github.com/user/repo",
    "https://user:p/ss@github.com/user/repo",
    "https://user:/ss@github.com/user/repo",
    "https://user:1234/ss@github.com/user/repo",
    "https://to/ken@github.com/user/repo",
    "https://us.er:/s/s@github.com",
    "https://user:ss%40github.com/user/repo",
    "https://github.com:8443/user/repo@v2",
    "https://github.com/user/repo https://user:ss@github.com/x",
    "https://github.com/user/repo ss@github.com",
    "https://github.com/user/repo%20u%3Ass%40github.com",
    "user:p/ss@github.com/user/repo",
    "git@github.com:user/repo@v2",
    "codecommit::us-east-1://secret@repo",
    "ext::ssh git@github.com %S repo",
    "fd::17/github.com/x",
    `https://github.com/${"r".repeat(5_000)}`,
    "github.com/user\\repo",
    "https://github.com/user\\repo",
    "github.com/us\0er/repo",
    "github.com/us\ud800er/repo",
    `local:${"0".repeat(63)}`,
    `local:${"A".repeat(64)}`,
    "local:anything",
    `github.com/user/${"r".repeat(500)}`,
  ])("%j", (text) => {
    expect(canonicalWorkspaceId(text)).toBeNull();
  });
});

describe("a repository without a remote", () => {
  const id = localWorkspaceId("abc");

  test("is named by the SHA-256 of its first commit's hash", () => {
    expect(id).toBe("local:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  });

  test("and the unassociated workspace are canonical already", () => {
    expect(canonicalWorkspaceId(id)).toBe(id);
    expect(canonicalWorkspaceId(` ${id} `)).toBe(id);
    expect(canonicalWorkspaceId(UNASSOCIATED_WORKSPACE)).toBe(UNASSOCIATED_WORKSPACE);
  });
});

describe("a display name", () => {
  test.each([
    [REPO, "repo"],
    ["gitlab.com/group/sub/project", "project"],
    [localWorkspaceId("abc"), "local-ba7816bf"],
    [UNASSOCIATED_WORKSPACE, UNASSOCIATED_WORKSPACE],
  ])("of %s is %s", (id, name) => {
    expect(workspaceDisplayName(id)).toBe(name);
  });
});

describe("of several remotes", () => {
  test("origin names the repository, else the first by name", () => {
    expect(chooseRemote({ backup: "b", origin: "o", another: "a" })).toBe("o");
    expect(chooseRemote({ upstream: "u", fork: "f" })).toBe("f");
    expect(chooseRemote({})).toBeNull();
  });
});

describe("credentials", () => {
  test.each([
    ["https://user:secret@github.com/user/repo", "https://github.com/user/repo"],
    ["https://secret@github.com/user/repo", "https://github.com/user/repo"],
    ["https:/user:secret@github.com/user/repo", "https:/github.com/user/repo"],
    ["https://user:se/cret@github.com/user/repo", "https://github.com/user/repo"],
    ["https://user:se#c?ret@github.com/user/repo", "https://github.com/user/repo"],
    ["https://user:se@cr@et@github.com/user/repo", "https://github.com/user/repo"],
    ["https://user:a/secret@b@github.com/user/repo", "https://github.com/user/repo"],
    ["https://github.com/user/repo?private_token=secret", "https://github.com/user/repo"],
    ["https://github.com:8443/user/secret@host/repo", "https://host/repo"],
    ["https://user:secret%40github.com/user/repo", "https://github.com/user/repo"],
    ["https://user:secret", "https://"],
    ['https://user:se"cr et@github.com/user/repo', "https://github.com/user/repo"],
    ["hg::https://user:secret@github.com/user/repo", "https://github.com/user/repo"],
    ["codecommit::us-east-1://secret@repo", "repo"],
    ["user:secret@host.example:path/repo", "host.example:path/repo"],
    ["secret@host.example:path/repo", "host.example:path/repo"],
    ["secret@host.example/path/repo", "host.example/path/repo"],
    ["git@host.example:path/repo?token=secret", "git@host.example:path/repo"],
    ["host.example/path/repo%3Ftoken=secret", "host.example/path/repo"],
    ["git@host.example:path/repo#token=secret", "git@host.example:path/repo"],
    ["fetch from https://a:secret@b.example/x or https://secret@c.example/y", "c.example/y"],
    [`https://user:${"secret".repeat(500)}@github.com/user/repo`, "https://github.com/user/repo"],
    [`https://user:${"secret".repeat(1_000)}@github.com/user/repo`, "https://github.com/user/repo"],
  ])("are taken out of %s", (text, cleaned) => {
    expect(withoutCredentials(text)).toBe(cleaned);
  });

  test.each([
    "git@github.com:user/repo.git",
    "https://github.com/user/repo",
    "https://github.com/user/repo@v2",
    "https://github.com:8443/user/repo",
    "git@host.example:user/c#",
    "origin",
    "/home/me@work/repo",
  ])("and %s, which has none, stays as it is", (text) => {
    expect(withoutCredentials(text)).toBe(text);
  });

  test("are taken out of a long text in linear time", () => {
    const texts = ["a", "a-", "a:/b:", "x://", "a://a:", "a://a:/@ ", "a://b/c:", "a://a:@", "a:/1:/", "://"];
    const startedAt = performance.now();
    for (const part of texts) {
      const text = part.repeat(Math.ceil(1_000_000 / part.length));
      for (const whole of [`@ ${text}`, `${text} @`, `${text}@`]) withoutUrlCredentials(whole);
    }
    expect(performance.now() - startedAt).toBeLessThan(3_000);
  });
});

test("passwords are taken out of every URL of a text", () => {
  const text =
    "fetch from https://a:secret@b.example/x, https://u:1/secret@c.example and https://secret@d.example/y@v2";
  expect(withoutUrlCredentials(text)).toBe(
    "fetch from https://b.example/x, https://c.example and https://d.example/y@v2",
  );
});

describe("for any text", () => {
  const word = fc.stringMatching(/^[A-Za-z0-9._~-]{1,12}$/);
  const host = fc.oneof(
    fc.domain(),
    fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9-]{0,8}[a-z0-9]$/),
    fc.ipV6().map((address) => `[${address}]`),
  );
  const path = fc.array(word, { minLength: 1, maxLength: 4 }).map((segments) => segments.join("/"));
  const remote = fc
    .record({
      scheme: fc.constantFrom("https://", "HTTP://", "ssh://", "git://", "git+ssh://", ""),
      user: fc.constantFrom("", "git@", "me:SECRET@", "SECRET@", "a@b.example:SECRET@", ":SECRET@"),
      host,
      port: fc.constantFrom("", ":22", ":443"),
      path,
      end: fc.constantFrom("", ".git", "/", ".git/", ".git.git", "?x=SECRET", "#x"),
    })
    .map((r) =>
      r.scheme === ""
        ? `${r.user}${r.host}:${r.path}${r.end}`
        : `${r.scheme}${r.user}${r.host}${r.port}/${r.path}${r.end}`,
    );
  const anyText = fc.oneof(
    remote,
    fc.string({ unit: "binary", maxLength: 60 }),
    fc.stringMatching(/^[a-zA-Z:/@.?# \\~[\]0-9-]{0,40}$/),
  );

  test("the canonical id of a canonical id is itself", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const id = canonicalWorkspaceId(text);
        if (id !== null) expect(canonicalWorkspaceId(id)).toBe(id);
      }),
      { numRuns: 5_000 },
    );
  });

  test("what is taken out of a text is what a search for whole URLs finds", () => {
    const pattern = /([a-z][a-z0-9+.-]{0,20}:\/{1,2})(?:(?=[^/\s"]*:)[^\s"]*|[^/\s"]*)(?:@|%(?:25){0,2}40)/gi;
    const texts = fc.oneof(anyText, fc.stringMatching(/^(?:a|:|\/|:\/\/|@|%40|1| |"|\.){0,60}$/));
    fc.assert(
      fc.property(texts, (text) => {
        expect(withoutUrlCredentials(text)).toBe(text.replace(pattern, "$1"));
      }),
      { numRuns: 20_000 },
    );
  });

  test("an id is storable, has a host in lower case, and no protocol, trailing slash or .git", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const id = canonicalWorkspaceId(text);
        if (id === null || id === UNASSOCIATED_WORKSPACE || id.startsWith("local:")) return;
        expect(id).toMatch(/^[^/]+\/[^\s\\?#]*[^/\s]$/);
        expect(id).not.toMatch(/\.git$|^[a-z+]+:\/\/|\0/);
        const [first = ""] = id.split("/");
        expect(first).toBe(first.toLowerCase());
        expect(id.isWellFormed()).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });
});
