import type { Config } from "./config.ts";
import type { DatabaseLocation } from "./db/embedded.ts";
import type { Logger } from "./logger.ts";
import { VERSION } from "./version.ts";

export type StartFacts = {
  config: Config;
  logger: Logger;
  port: number;
  /** The file that keeps the admin key; null when the key is in the environment. */
  adminKeyFile: string | null;
  location: DatabaseLocation;
};

/** Says where the server is and how to send a first event: readable on a terminal, one JSON line otherwise. */
export function describeStart(facts: StartFacts): void {
  const url = `http://localhost:${facts.port}`;
  const database = describeDatabase(facts.location);
  const command = firstEventCommand(url, facts.adminKeyFile);
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
    `  Admin key  ${facts.adminKeyFile ?? "from WHARF_ADMIN_KEY"}`,
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

function firstEventCommand(url: string, adminKeyFile: string | null): string {
  const key = adminKeyFile === null ? "$WHARF_ADMIN_KEY" : `$(cat ${adminKeyFile})`;
  return [
    `curl -sS ${url}/api/sessions -H "Authorization: Bearer ${key}" -H 'Content-Type: application/json' \\`,
    `  -d '{"id":"my-first-session","workspace_id":"github.com/me/project","device_id":"my-laptop","started_at":"${new Date().toISOString()}"}'`,
  ].join("\n");
}

function bold(text: string): string {
  return `\u001B[1m${text}\u001B[0m`;
}

function dim(text: string): string {
  return `\u001B[2m${text}\u001B[0m`;
}
