import { describe, expect, test } from "bun:test";
import { COMMAND_BOUNDS } from "../command-input.ts";
import { useCommands } from "./setup.ts";

const commands = useCommands();
const { runScript, store } = commands;
const paths = (job: { output: { artifacts: { path: string }[] } }) =>
  job.output.artifacts.map(({ path }) => path);

describe("artifacts", () => {
  test("are only regular files: no link, no folder behind a link, no pipe", async () => {
    const script = `
      echo secret > $OUT/secret; mkdir $OUT/outside; echo secret > $OUT/outside/x
      ln -s $OUT/secret link; ln -s $OUT/outside linked; ln -s . loop; mkfifo pipe; mkdir -p real; echo fine > real/file`;
    const job = await runScript(script, { artifacts: ["**/*", "linked/*", "link", "loop/real/file"] });
    expect(job.status).toBe("completed");
    expect(paths(job)).toEqual(["real/file"]);
  });

  test("come with odd names, and with none at all when nothing matches", async () => {
    const odd = await runScript(`touch 'a b' "new\nline" '*' .hidden`, { artifacts: ["*", ".*"] });
    expect(paths(odd)).toEqual(["*", ".hidden", "a b", "new\nline"]);
    expect(paths(await runScript("touch a", { artifacts: ["b*"] }))).toEqual([]);
  });

  test("leave out a file whose name is not UTF-8 and a folder that cannot be read, with a line in the job's log", async () => {
    const job = await runScript(
      `echo 1 >> $OUT/ran; printf 1 > $'caf\\xe9.txt'; printf 2 > plain.txt; mkdir closed; touch closed/a.txt; chmod 0 closed`,
      { artifacts: ["**/*.txt"] },
    );
    expect(job).toMatchObject({ status: "completed", attempts: 0 });
    expect(paths(job)).toContain("plain.txt");
    const left = (await commands.logged(job.id)).filter((line) => line.includes("could not be read"));
    expect(left.length).toBeGreaterThan(0);
    expect(await commands.pidsIn("ran")).toEqual([1]);
  });

  test("are none when the workspace was replaced by a link, also one to a readable folder", async () => {
    const job = await runScript("cd ..; rm -rf work 2>/dev/null || exit 0; ln -s /etc work", {
      artifacts: ["**/*"],
    });
    expect([job.status, paths(job)]).toEqual(["completed", []]);
  });

  test("are not looked for when the command has failed", async () => {
    const before = store.size;
    await runScript("echo unique-content > a; exit 1", { artifacts: ["*"] });
    expect(store.size).toBe(before);
  });

  test("beyond the allowed number or size fail the job permanently, and none is stored", async () => {
    await commands.start({ bounds: { ...COMMAND_BOUNDS, artifacts: { count: 3, bytes: 1000 } } });
    const before = store.size;
    const many = await runScript("touch a b c d", { artifacts: ["*"] });
    expect(many).toMatchObject({ status: "failed", failureKind: "unrecoverable" });
    expect(many.lastError).toContain("exceed 3 files");
    const large = await runScript("head -c 999 /dev/urandom > a; head -c 2 /dev/urandom > b", {
      artifacts: ["*"],
    });
    expect(large.lastError).toContain("exceed 1000 bytes");
    expect(store.size).toBe(before);
  });
});
