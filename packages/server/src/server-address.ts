import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";

const addressSchema = z.object({ host: z.string(), port: z.number().int() });
/** Where a server listens. */
export type ServerAddress = z.infer<typeof addressSchema>;

const fileIn = (dataDir: string) => join(dataDir, "address.json");

/** For commands that run while the server does, with another HOST and PORT or none. Returns what removes it. */
export async function writeServerAddress(
  dataDir: string,
  address: ServerAddress,
): Promise<() => Promise<void>> {
  await writeFile(fileIn(dataDir), `${JSON.stringify(address)}\n`);
  return () => rm(fileIn(dataDir), { force: true });
}

/** Null without a running server. */
export async function readServerAddress(dataDir: string): Promise<ServerAddress | null> {
  const kept: unknown = await readFile(fileIn(dataDir), "utf8")
    .then((text) => JSON.parse(text))
    .catch(() => null);
  return addressSchema.nullable().catch(null).parse(kept);
}
