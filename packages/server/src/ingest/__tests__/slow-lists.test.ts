import { expect, test } from "bun:test";
import { findLockWaits, until } from "@wharf/testkit";
import { setupApp } from "../../__tests__/setup-app.ts";
import { CONNECTIONS_DEFAULT, poolSizesOf, sharesOf } from "../../db/pool-sizes.ts";
import { anEvent } from "./event-factory.ts";

const server = setupApp();
const { reads } = sharesOf(poolSizesOf(CONNECTIONS_DEFAULT));

async function countLockWaits(): Promise<number> {
  return (await findLockWaits(server.sql)).length;
}

test("slow lists keep no event, no key and no edit waiting", async () => {
  const { body } = await server.request("POST", "/api/keys", { scope: "ingest" });
  const holder = await server.sql.reserve();
  await holder`BEGIN`;
  await holder`LOCK TABLE blueprints IN ACCESS EXCLUSIVE MODE`;
  const lists = Array.from({ length: 4 * reads }, () => server.request("GET", "/api/blueprints"));
  await until(async () => (await countLockWaits()) === reads);

  // This process has not seen the key yet: it looks it up.
  const headers = { authorization: `Bearer ${body.key}` };
  const sent = await server.request("POST", "/api/events", { events: [anEvent()] }, headers);
  expect([sent.status, sent.body.ingested]).toEqual([202, 1]);
  const edit = await server.request("POST", "/api/keys", { scope: "read" });
  expect(edit.status).toBe(201);
  expect(await countLockWaits()).toBe(reads);

  await holder`COMMIT`;
  holder.release();
  expect(new Set((await Promise.all(lists)).map(({ status }) => status))).toEqual(new Set([200]));
});
