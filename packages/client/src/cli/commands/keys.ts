import type { CreatedKey, KeyScope } from "@wharf/protocol";
import type { Command } from "commander";
import { CliError, EXIT } from "../cli-error.ts";
import { type HubOptions, openHub, withHubOptions } from "../hub.ts";
import type { Io } from "../io.ts";
import { printTable } from "../output/table.ts";
import { timeOf } from "../output/text.ts";

const SCOPES = ["ingest", "read", "admin"] as const;

/** `wharf keys list`, `create`, `rotate`, `revoke`: all need an admin key. */
export function keys(command: Command, io: Io): void {
  withHubOptions(command.command("list").description("List keys, without their secrets")).action(
    async function listKeys(options: HubOptions) {
      const page = await (await openHub(io, options, "admin")).keys.list({ limit: 1_000 });
      if (options.json) io.json(page);
      else
        printTable(
          io,
          [
            { title: "ID", cell: ({ id }) => id, isWhole: true },
            { title: "SCOPE", cell: ({ scope }) => scope },
            { title: "ENDS", cell: ({ last4 }) => `…${last4}` },
            { title: "DEVICE", cell: ({ device_id }) => device_id ?? "–" },
            {
              title: "LAST USED",
              cell: ({ last_used_at }) => (last_used_at === null ? "never" : timeOf(io, last_used_at)),
            },
            { title: "STATE", cell: ({ revoked_at }) => (revoked_at === null ? "active" : "revoked") },
            { title: "NAME", cell: ({ name }) => name ?? "", isWide: true },
          ],
          page.keys,
          "The hub has no keys but the one of its environment.",
        );
    },
  );
  withHubOptions(
    command.command("create <scope>").description("Create a key: ingest, read or admin; it is shown once"),
  )
    .option("--name <name>", "a note, such as the owner")
    .option("--device <id>", "an ingest key for this device alone")
    .action(async function createKey(
      typed: string,
      options: HubOptions & { name?: string; device?: string },
    ) {
      const scope = scopeOf(typed);
      const { name, device } = options;
      const made = await (await openHub(io, options, "admin")).keys.create({
        scope,
        ...(name === undefined ? {} : { name }),
        ...(device === undefined ? {} : { device_id: device }),
      });
      printKey(io, made, options);
    });
  withHubOptions(
    command.command("rotate <id>").description("Create a successor; the old key works for another day"),
  ).action(async function rotateKey(id: string, options: HubOptions) {
    printKey(io, await (await openHub(io, options, "admin")).keys.rotate(id), options);
  });
  withHubOptions(command.command("revoke <id>").description("Revoke a key at once")).action(
    async function revokeKey(id: string, options: HubOptions) {
      await (await openHub(io, options, "admin")).keys.revoke(id);
      if (options.json) io.json({ revoked: id });
      else io.print(`Revoked ${id}.`);
    },
  );
}

function printKey(io: Io, made: CreatedKey, { json }: HubOptions): void {
  if (json) io.json(made);
  else io.print(made.key);
  if (!json && io.isTerminal) io.warn("The key is not shown again.");
}

function scopeOf(typed: string): KeyScope {
  const scope = SCOPES.find((one) => one === typed);
  if (scope !== undefined) return scope;
  throw new CliError(`"${typed}" is no scope. Use ${SCOPES.join(", ")}.`, EXIT.usage, "SCOPE_UNKNOWN");
}
