import { describe, expect, test } from "bun:test";
import { setupApp } from "../../../__tests__/setup-app.ts";
import { openBlobStore } from "../../../blobs/open-blob-store.ts";
import type { Database } from "../../../db/database.ts";
import { removeUnreferencedBlobs } from "../../../jobs/blob-removal.ts";
import { createSender } from "./send-file.ts";

const server = setupApp();
const { append, raw } = createSender(server);

const database = (): Database => server.current().pools.deferrable;
const blobs = () => openBlobStore({ kind: "postgres" }, database());
const removeBlobs = async () =>
  removeUnreferencedBlobs(database(), await blobs())(new AbortController().signal);
const blobCount = async () => (await server.sql`SELECT FROM blobs`).length;
const hours = (count: number) =>
  server.sql`UPDATE unreferenced_blobs SET since = since - make_interval(hours => ${count})`;
/** Any line that is not a repeat of another one. */
const line = (n: number) => `{"n":${n}}\n`;

async function agePastRetention(): Promise<void> {
  await server.sql`UPDATE blobs SET written_at = now() - interval '60 days'`;
  await server.sql`UPDATE unreferenced_blobs SET since = now() - interval '60 days'`;
}

describe("blobs of transcripts", () => {
  test("never expire while a segment refers to them: 60 days later, all bytes are there", async () => {
    await append(line(1));
    await append(line(2), { offset: line(1).length });
    await agePastRetention();
    const orphan = await (await blobs()).put(new Blob(["nothing refers to it"]).stream());
    await server.sql`UPDATE blobs SET written_at = now() - interval '60 days' WHERE hash = ${orphan.hash}`;
    expect(await removeBlobs()).toBe(0);
    expect(await (await blobs()).expire(35 * 86_400_000)).toBe(1);
    expect(await raw()).toBe(line(1) + line(2));
    expect(await blobCount()).toBe(2);
  });

  test("go with the deletion of their session, within the next run of the job when they are older than an hour", async () => {
    await append(line(1));
    await append(line(2), { session: "s2" });
    await hours(2);
    await removeBlobs();
    expect(await server.sql`SELECT FROM unreferenced_blobs`).toHaveLength(0);
    expect((await server.request("DELETE", "/api/sessions/s1")).status).toBe(204);
    expect(await removeBlobs()).toBe(1);
    expect(await blobCount()).toBe(1);
    expect(await raw("file=main.jsonl", "s2")).toBe(line(2));
  });

  test("stay as long as another segment refers to the same content", async () => {
    await append(line(1));
    await append(line(1), { session: "s2" });
    expect(await blobCount()).toBe(1);
    await hours(2);
    await removeBlobs();
    await server.request("DELETE", "/api/sessions/s1");
    expect(await removeBlobs()).toBe(0);
    expect(await raw("file=main.jsonl", "s2")).toBe(line(1));
    await server.request("DELETE", "/api/sessions/s2");
    expect(await removeBlobs()).toBe(1);
    expect(await blobCount()).toBe(0);
  });

  test("that an upload has announced are not removed for an hour, though their session is deleted", async () => {
    await append(line(1));
    await server.request("DELETE", "/api/sessions/s1");
    expect(await removeBlobs()).toBe(0);
    await append(line(1), { session: "s2" });
    await hours(2);
    expect(await removeBlobs()).toBe(0);
    expect(await raw("file=main.jsonl", "s2")).toBe(line(1));
  });

  test("of a request that was refused or interrupted are removed after an hour", async () => {
    await append(line(1));
    const put = await Promise.all([append(line(2), { offset: 8 }), append(line(3), { offset: 8 })]);
    expect(put.map(({ status }) => status).toSorted()).toEqual([202, 409]);
    const before = await blobCount();
    expect(await removeBlobs()).toBe(0);
    await hours(2);
    await removeBlobs();
    expect(await blobCount()).toBe(2);
    expect(before).toBeLessThanOrEqual(3);
  });

  test("whose removal was interrupted cannot be used until the next run has finished it", async () => {
    await append(line(1));
    await server.request("DELETE", "/api/sessions/s1");
    await server.sql`UPDATE unreferenced_blobs SET is_removing = true, since = now() - interval '2 hours'`;
    expect((await append(line(1), { session: "s2" })).status).toBe(503);
    expect(await removeBlobs()).toBe(1);
    expect((await append(line(1), { session: "s2" })).status).toBe(202);
    expect(await raw("file=main.jsonl", "s2")).toBe(line(1));
  });
});

describe("a session that was deleted", () => {
  test("takes its files and segments along, and refuses every later one without keeping anything", async () => {
    await append(line(1));
    await server.request("DELETE", "/api/sessions/s1");
    for (const table of ["transcript_files", "transcript_generations", "transcript_segments", "sessions"])
      expect(await server.sql`SELECT FROM ${server.sql(table)}`).toHaveLength(0);
    const before = await blobCount();
    for (const sent of [{}, { device: "phone" }, { file: "other.jsonl" }, { offset: 8 }])
      expect(await append(line(2), sent)).toMatchObject({ status: 410, body: { code: "SESSION_DELETED" } });
    const { status } = await server.request(
      "POST",
      "/api/sessions/s1/transcript/upload?device_id=laptop",
      line(2),
    );
    expect(status).toBe(410);
    expect(await blobCount()).toBe(before);
    expect(await raw()).toBe("404");
  });

  test("while files arrive is gone at the end, with all that arrived", async () => {
    for (let round = 0; round < 10; round++) {
      const session = `s${round}`;
      await append(line(1), { session });
      const [answer, deletion] = await Promise.all([
        append(line(2), { session, offset: 8 }),
        server.request("DELETE", `/api/sessions/${session}`),
      ]);
      expect([202, 410, 503]).toContain(answer.status);
      expect([202, 204]).toContain(deletion.status);
      if (deletion.status === 202) await server.current().jobs.runOne(deletion.body.job_id);
    }
    for (const table of ["transcript_files", "transcript_segments", "sessions"])
      expect(await server.sql`SELECT FROM ${server.sql(table)}`).toHaveLength(0);
  });
});
