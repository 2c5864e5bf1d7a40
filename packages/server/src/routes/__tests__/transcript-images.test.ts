import { describe, expect, test } from "bun:test";
import type { ContentBlock, TranscriptPage } from "@wharf/protocol";
import { setupApp } from "../../__tests__/setup-app.ts";
import type { BlobStore } from "../../blobs/blob-store.ts";
import { createPostgresBlobStore } from "../../blobs/postgres-store.ts";
import { findImage } from "../../db/transcripts/images.ts";
import { type FileToStore, storeFile } from "../../transcripts/__tests__/store-file.ts";
import { parseSession } from "../../transcripts/parse/parse-session.ts";
import { IMAGE_BYTES_MAX, readImage } from "../../transcripts/read-image.ts";

const server = setupApp();

const SIGNATURES = {
  png: "\x89PNG\r\n\x1a\n",
  jpeg: "\xff\xd8\xff\xe0",
  gif: "GIF89a",
  webp: "RIFF\x10\0\0\0WEBPVP8 ",
} as const;

function base64(latin1: string): string {
  return Buffer.from(latin1, "latin1").toString("base64");
}

const PNG = `${SIGNATURES.png}pixels`;
const source = (data: string, media_type = "image/png") => ({ type: "base64", media_type, data });
const image = (data: string, media_type?: string) => ({ type: "image", source: source(data, media_type) });
const user = (uuid: string, ...content: object[]) => ({
  ...{ type: "user", uuid, timestamp: "2025-03-14T10:00:00.000Z" },
  message: { role: "user", content },
});
const fileOf = (...records: object[]) => records.map((record) => `${JSON.stringify(record)}\n`).join("");

function stored() {
  const database = server.current().pools.deferrable;
  return { database, blobs: createPostgresBlobStore(database) };
}

async function keep(file: Partial<FileToStore> & Pick<FileToStore, "parts">): Promise<void> {
  const { blobs } = stored();
  await storeFile(server.sql, blobs, { session_id: "s", agent: "claude-code", ...file });
  await parseSession(stored(), "s");
}

async function blocksOf(session_id = "s"): Promise<ContentBlock[]> {
  const { body } = await server.request("GET", `/api/sessions/${session_id}/transcript?density=full`);
  const { messages }: TranscriptPage = body;
  return messages.flatMap(({ content_blocks }) => content_blocks);
}

/** The paths of all images of the session, in their order. */
async function pathsOf(): Promise<string[]> {
  const blocks = await blocksOf();
  return blocks.flatMap(({ id, metadata }) =>
    (metadata.images ?? []).map((_, index) => `/api/sessions/s/transcript/blocks/${id}/images/${index}`),
  );
}

async function get(path: string, headers: Record<string, string> = {}) {
  const response = await server
    .current()
    .app.request(path, { headers: { authorization: `Bearer ${server.key}`, ...headers } });
  const bytes = Buffer.from(await response.arrayBuffer());
  const isProblem = response.headers.get("content-type")?.endsWith("problem+json") === true;
  const code: unknown = isProblem ? JSON.parse(bytes.toString()).code : null;
  return { status: response.status, headers: response.headers, latin1: bytes.toString("latin1"), code };
}

const url = (latin1: string) => `data:image/png;base64,${base64(latin1)}`;
const codexRecord = (type: string, payload: object) => ({
  timestamp: "2025-03-14T10:00:00.000Z",
  type,
  payload,
});
const FILES = {
  "claude-code": fileOf(
    user("u1", { type: "text", text: "Look" }, image(base64(`${PNG}1`)), image(base64(`${PNG}2`))),
    user("u2", {
      ...{ type: "tool_result", tool_use_id: "c" },
      content: [{ type: "text", text: "a page" }, image(base64(`${PNG}3`)), image(base64(`${PNG}4`))],
    }),
  ),
  codex: fileOf(
    codexRecord("response_item", {
      ...{ type: "message", role: "user" },
      content: [
        { type: "input_text", text: "Look" },
        { type: "input_image", image_url: url(`${PNG}1`) },
        { type: "input_image", image_url: url(`${PNG}2`) },
      ],
    }),
    codexRecord("event_msg", { type: "user_message", message: "Look", local_images: ["/home/ada/1.png"] }),
    codexRecord("response_item", {
      ...{ type: "function_call_output", call_id: "c" },
      output: [{ type: "input_image", image_url: url(`${PNG}3`) }],
    }),
    codexRecord("response_item", {
      ...{ type: "function_call_output", call_id: "d" },
      output: JSON.stringify([{ type: "input_image", image_url: url(`${PNG}4`) }]),
    }),
  ),
  "gemini-cli": fileOf(
    { sessionId: "s" },
    {
      ...{ id: "m1", type: "user", timestamp: "2025-03-14T10:00:00.000Z" },
      content: [{ text: "Look" }, { inlineData: { mimeType: "image/png", data: base64(`${PNG}1`) } }],
    },
    {
      $set: {
        messages: [
          {
            ...{ id: "m1", type: "user", timestamp: "2025-03-14T10:00:00.000Z" },
            content: [1, 2].map((n) => ({
              inlineData: { mimeType: "image/png", data: base64(`${PNG}${n}`) },
            })),
          },
          {
            ...{ id: "m2", type: "gemini", timestamp: "2025-03-14T10:00:01.000Z", content: "" },
            toolCalls: [
              {
                ...{ id: "c", name: "read_file", status: "success" },
                result: [3, 4].map((n) => ({
                  functionResponse: {
                    parts: [{ inlineData: { mimeType: "image/png", data: base64(`${PNG}${n}`) } }],
                  },
                })),
              },
            ],
          },
        ],
      },
    },
  ),
  opencode: fileOf(
    { table: "message", row: { id: "m", time_created: 1_741_946_400_000, data: '{"role":"user"}' } },
    ...[1, 2].map((n) => ({
      table: "part",
      row: {
        ...{ id: `p${n}`, message_id: "m" },
        data: JSON.stringify({ type: "file", mime: "image/png", url: url(`${PNG}${n}`) }),
      },
    })),
    {
      table: "part",
      row: {
        ...{ id: "p3", message_id: "m" },
        data: {
          ...{ type: "tool", tool: "read", callID: "c" },
          state: {
            ...{ status: "completed", input: {}, output: "two images" },
            attachments: [3, 4].map((n) => ({ type: "file", mime: "image/png", url: url(`${PNG}${n}`) })),
          },
        },
      },
    },
  ),
};

describe("an image of a transcript", () => {
  for (const agent of ["claude-code", "codex", "gemini-cli", "opencode"] as const)
    test(`is served from what ${agent} wrote: of a prompt, and of a tool's result`, async () => {
      await keep({ agent, parts: [FILES[agent]] });
      const images = await Promise.all((await pathsOf()).map((path) => get(path)));
      expect(images.map(({ status, latin1 }) => [status, latin1])).toEqual(
        [1, 2, 3, 4].map((n) => [200, `${PNG}${n}`]),
      );
    });

  test("is served from a file that is one document", async () => {
    const content = [{ inlineData: { mimeType: "image/png", data: base64(PNG) } }];
    const document = { sessionId: "s", messages: [{ id: "m1", type: "user", content }] };
    await keep({ agent: "gemini-cli", file: "session.json", parts: [JSON.stringify(document, null, 2)] });
    const [path = ""] = await pathsOf();
    expect(await get(path)).toMatchObject({ status: 200, latin1: PNG });
  });

  test("is read from its segment alone", async () => {
    const filler = (n: number) => fileOf(user(`before-${n}`, { type: "text", text: "x".repeat(10_000) }));
    const parts = [
      filler(1) + filler(2),
      filler(3) + fileOf(user("u", image(base64(PNG)))) + filler(4),
      filler(5),
    ];
    await keep({ parts });
    const block = (await blocksOf()).find(({ block_type }) => block_type === "image");
    const { database, blobs } = stored();
    const found = await database.run((sql) =>
      findImage(sql, { session_id: "s", block_id: block?.id ?? "", index: 0 }),
    );
    if (found === null) throw new Error("The block has no image.");
    const read: string[] = [];
    const counted: BlobStore = {
      ...blobs,
      get: (hash) => {
        read.push(hash);
        return blobs.get(hash);
      },
    };
    expect(await readImage({ database, blobs: counted }, found)).toMatchObject({ contentType: "image/png" });
    expect(read).toHaveLength(1);
  });

  test("has the type of its first bytes, and headers under which nothing runs", async () => {
    const polyglot = "/*<script>alert(1)</script>*/=1;<!doctype html><script>alert(1)</script>";
    const images = Object.values(SIGNATURES).map((start) => image(base64(start + polyglot), "image/svg+xml"));
    await keep({ parts: [fileOf(user("u", ...images))] });
    const types: (string | null)[] = [];
    for (const path of await pathsOf()) {
      const { headers, status } = await get(path);
      expect(status).toBe(200);
      types.push(headers.get("content-type"));
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("content-security-policy")).toBe("sandbox; default-src 'none'");
      expect(headers.get("cache-control")).toBe("private, no-cache");
    }
    expect(types).toEqual(["image/png", "image/jpeg", "image/gif", "image/webp"]);
  });

  const UNSUPPORTED: Record<string, string> = {
    "an SVG": base64('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'),
    "an SVG with a declaration": base64('\xef\xbb\xbf<?xml version="1.0"?><svg/>'),
    "a page": base64("<!doctype html><script>alert(1)</script>"),
    "a page with a signature behind its first byte": base64(` ${PNG}`),
    "a beginning of a signature": base64(SIGNATURES.png.slice(0, 7)),
    "a container of another kind": base64("RIFF\x10\0\0\0WAVEfmt "),
    "a PDF": base64("%PDF-1.7"),
    "no base64": "%%%%",
    "base64 with a redaction in it": `${base64(PNG)}[REDACTED:jwt:0a1b2c3d]`,
    nothing: "",
  };
  for (const [name, data] of Object.entries(UNSUPPORTED))
    test(`is refused if its bytes are ${name}`, async () => {
      await keep({ parts: [fileOf(user("u", image(data)))] });
      const [path = ""] = await pathsOf();
      expect(await get(path)).toMatchObject({ status: 422, code: "IMAGE_UNSUPPORTED" });
    });

  test("is refused if it is too large", async () => {
    await keep({ parts: [fileOf(user("u", image(base64(PNG.padEnd(IMAGE_BYTES_MAX + 3, "x")))))] });
    const [path = ""] = await pathsOf();
    expect(await get(path)).toMatchObject({ status: 422, code: "IMAGE_TOO_LARGE" });
  });

  test("is sent once to a browser that keeps it", async () => {
    await keep({ parts: [fileOf(user("u", image(base64(PNG))))] });
    const [path = ""] = await pathsOf();
    const etag = (await get(path)).headers.get("etag") ?? "";
    const again = await get(path, { "if-none-match": etag });
    expect([again.status, again.latin1, again.headers.get("etag")]).toEqual([304, "", etag]);
    expect(await get(path, { "if-none-match": etag, authorization: "Bearer none" })).toMatchObject({
      status: 401,
    });
  });

  test("needs a key that reads the session", async () => {
    await keep({ parts: [fileOf(user("u", image(base64(PNG))))] });
    const [path = ""] = await pathsOf();
    for (const [scope, status] of [
      ["read", 200],
      ["ingest", 403],
    ] as const) {
      const { body } = await server.request("POST", "/api/keys", { scope, name: scope });
      expect(await get(path, { authorization: `Bearer ${body.key}` })).toMatchObject({ status });
    }
    expect(await get(path, { authorization: "" })).toMatchObject({ status: 401 });
  });

  test("belongs to its session, and is gone with it", async () => {
    await keep({ parts: [fileOf(user("u", { type: "text", text: "Look" }, image(base64(PNG))))] });
    await storeFile(server.sql, stored().blobs, { session_id: "other", agent: "claude-code", parts: [] });
    const [path = ""] = await pathsOf();
    const [text] = await blocksOf();
    const wrong = [
      path.replace("/sessions/s/", "/sessions/other/"),
      path.replace("/sessions/s/", "/sessions/none/"),
      path.replace(/images\/0$/, "images/1"),
      path.replace(/images\/0$/, "images/-1"),
      path.replace(/images\/0$/, "images/0.5"),
      path.replace(/images\/0$/, "images/99999999999"),
      path.replace(/blocks\/\w+/, "blocks/none"),
      path.replace(/blocks\/\w+/, `blocks/${text?.id}`),
    ];
    for (const other of wrong) expect(await get(other)).toMatchObject({ status: 404, code: "NOT_FOUND" });
    expect((await server.request("DELETE", "/api/sessions/s")).status).toBeLessThan(300);
    expect(await get(path)).toMatchObject({ status: 404, code: "NOT_FOUND" });
  });

  test("is not held any more once its part of the file, or one before it, is deleted", async () => {
    const line = (n: number) => fileOf(user(`u${n}`, image(base64(`${PNG}${n}`))));
    await keep({ parts: [line(1), line(2), line(3)] });
    const [first = "", second = "", third = ""] = await pathsOf();
    await server.sql`
      DELETE FROM transcript_segments s
      WHERE stored_start = (SELECT max(stored_start) FROM transcript_segments)`;
    expect((await get(second)).latin1).toBe(`${PNG}2`);
    expect(await get(third)).toMatchObject({ status: 404, code: "IMAGE_NOT_HELD" });
    await server.sql`DELETE FROM transcript_segments WHERE stored_start = 0`;
    expect(await get(first)).toMatchObject({ status: 404, code: "IMAGE_NOT_HELD" });
    expect(await get(second)).toMatchObject({ status: 404, code: "IMAGE_NOT_HELD" });
  });

  test("is none at a place that no file has, such as an import may bring", async () => {
    await keep({ parts: [fileOf(user("u", image(base64(PNG))))] });
    const [path = ""] = await pathsOf();
    for (const line of [1.5, 0, -1, 2, 1e300]) {
      await server.sql`UPDATE content_blocks SET metadata = jsonb_set(metadata, '{images,0,line}', ${line}::text::jsonb)`;
      expect([line, (await get(path)).status]).toEqual([line, 404]);
    }
  });

  test("does not make two messages of a record that stands at different lines of two files", async () => {
    const { type, timestamp, message } = user("", { type: "text", text: "Look" }, image(base64(PNG)));
    const record = fileOf({ type, timestamp, message });
    await keep({ parts: [record] });
    await keep({ device_id: "phone", parts: [`\n\n${record}`] });
    expect(await pathsOf()).toHaveLength(1);
    const [path = ""] = await pathsOf();
    expect(await get(path)).toMatchObject({ status: 200, latin1: PNG });
  });
});
