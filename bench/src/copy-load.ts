/** Copies a file of rows in Postgres' text format into events. Usage: bun copy-load.ts URL FILE. Waits for a line on stdin. */
import postgres from "postgres";

const CHUNK_BYTES = 64 * 1024;
const [url = "", file = ""] = process.argv.slice(2);
const sql = postgres(url, { max: 1 });
const bytes = Buffer.from(await Bun.file(file).arrayBuffer());
await sql`SELECT 1`;
process.stdout.write("ready\n");
for await (const _line of console) break;

const stream =
  await sql`COPY events (id, type, timestamp, device_id, workspace_id, session_id, data, blob_refs) FROM STDIN`.writable();
await new Promise<void>((resolve, reject) => {
  stream.on("error", reject);
  stream.on("finish", resolve);
  let position = 0;
  function pump(): void {
    while (position < bytes.length) {
      const chunk = bytes.subarray(position, position + CHUNK_BYTES);
      position += chunk.length;
      if (!stream.write(chunk)) {
        stream.once("drain", pump);
        return;
      }
    }
    stream.end();
  }
  pump();
});
await sql.end();
process.exit(0);
