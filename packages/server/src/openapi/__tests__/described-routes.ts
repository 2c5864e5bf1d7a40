import { openApp } from "../../__tests__/setup-app.ts";
import { type Operation, routesOf } from "../../http/operation.ts";

/** Connections are opened by queries, and this app gets no request. */
const { app, drain } = await openApp("postgres://127.0.0.1:1/unused");
await drain();

/** The operation of each route by `METHOD path`, known before a test's database is: tests are named after routes. */
export const operations: Readonly<Record<string, Operation>> = Object.fromEntries(
  routesOf(app).flatMap(({ method, path, operation }) =>
    operation === null ? [] : [[`${method} ${path}`, operation] as const],
  ),
);

/** The operation of this route; throws when there is none. */
export function operationOf(name: string): Operation {
  const operation = operations[name];
  if (operation === undefined) throw new Error(`${name} is no route`);
  return operation;
}
