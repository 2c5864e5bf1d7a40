import { expect, test } from "bun:test";
import { createUlid } from "@wharf/protocol";
import { createWorkspaceReferences } from "../workspace-references.ts";

const workspaceOf = createWorkspaceReferences();

test.each([
  ["git@github.com:acme/widgets.git", "github.com/acme/widgets"],
  ["https://github.com/acme/widgets", "github.com/acme/widgets"],
  ["no remote at all", null],
])("reads %p as %p, also when it is cached", (text, reference) => {
  expect([workspaceOf(text), workspaceOf(text)]).toEqual([reference, reference]);
});

test("takes a workspace's own id as it is", () => {
  const id = createUlid();
  expect(workspaceOf(id)).toBe(id);
});

test("reads the first remotes again after many others", () => {
  for (let n = 0; n < 20_000; n++) expect(workspaceOf(`github.com/acme/w${n}`)).toBe(`github.com/acme/w${n}`);
  expect(workspaceOf("github.com/acme/w0")).toBe("github.com/acme/w0");
});
