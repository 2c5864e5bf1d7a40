import { createUlid } from "@wharf/protocol";
import type { Config } from "./config.ts";
import type { DatabaseLocation } from "./db/embedded.ts";
import type { AdminKey } from "./keys/admin-key.ts";
import type { Logger } from "./logger.ts";
import { VERSION } from "./version.ts";

export type StartFacts = {
  config: Config;
  logger: Logger;
  port: number;
  adminKey: AdminKey;
  location: DatabaseLocation;
};

/** Says where the server is and how to send a first event: readable on a terminal, one JSON line otherwise. */
export function describeStart(facts: StartFacts): void {
  const url = `http://localhost:${facts.port}`;
  const database = describeDatabase(facts.location);
  const command = firstEventCommand(url, facts.adminKey);
  if (!process.stdout.isTTY) {
    facts.logger.info(
      { version: VERSION, bun: Bun.version, url, database, role: facts.config.role, try: command },
      "ready",
    );
    return;
  }
  const lines = [
    "",
    `  ${bold(`Wharf ${VERSION}`)}  ${dim(`Bun ${Bun.version}`)}`,
    "",
    `  URL        ${bold(url)}`,
    `  Health     ${url}/api/health`,
    `  Database   ${database}`,
    `  Admin key  ${describeAdminKey(facts.adminKey)}`,
    "",
    "  Send a first event:",
    "",
    ...command.split("\n").map((line) => `    ${line}`),
    "",
    dim("  Ctrl-C drains and stops."),
    "",
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}

function describeDatabase({ url, embedded }: DatabaseLocation): string {
  if (embedded === null) return hostAndPort(url);
  const state = embedded.adopted ? "taken over, it was still running" : "embedded";
  return `Postgres ${embedded.version} on ${embedded.host}:${embedded.port} (${state}), data in ${embedded.dataDir}`;
}

/** A connection string holds a password: only host and port are ever shown. */
function hostAndPort(connectionString: string): string {
  const match = /^[a-z]+:\/\/(?:[^@]*@)?([^/?]*)/i.exec(connectionString);
  return `Postgres on ${match?.[1] || "the default host"}`;
}

/** Where to find it: the key itself is never written here. */
function describeAdminKey(adminKey: AdminKey): string {
  if (adminKey.source === "file") return adminKey.file;
  return adminKey.source === "environment" ? "from WHARF_ADMIN_KEY" : "as shown at the first start";
}

function firstEventCommand(url: string, adminKey: AdminKey): string {
  const key = adminKey.source === "file" ? `$(cat ${adminKey.file})` : "$WHARF_ADMIN_KEY";
  const event = {
    id: createUlid(),
    type: "session.start",
    timestamp: new Date().toISOString(),
    device_id: "my-laptop",
    workspace_id: "github.com/me/project",
    session_id: "my-first-session",
    data: { cc_session_id: "my-first-session", cwd: "/home/me/project", source: "startup" },
  };
  return [
    `curl -sS ${url}/api/events -H "Authorization: Bearer ${key}" -H 'Content-Type: application/json' \\`,
    `  -d '${JSON.stringify({ events: [event] })}'`,
  ].join("\n");
}

function bold(text: string): string {
  return `\u001B[1m${text}\u001B[0m`;
}

function dim(text: string): string {
  return `\u001B[2m${text}\u001B[0m`;
}
