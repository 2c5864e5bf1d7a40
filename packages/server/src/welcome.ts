import { createUlid } from "@wharf/protocol";
import type { Config } from "./config.ts";
import type { DatabaseLocation } from "./db/embedded.ts";
import { describeConnectionString } from "./db/postgres.ts";
import type { AdminKey } from "./keys/admin-key.ts";
import type { Logger } from "./logger.ts";
import { isLoopback } from "./loopback.ts";
import { VERSION } from "./version.ts";

export type StartFacts = {
  config: Config;
  logger: Logger;
  port: number;
  adminKey: AdminKey;
  /** This start made the first admin key, and printed it. */
  isKeyShown: boolean;
  location: DatabaseLocation;
  /** Of a link that signs in one browser: for the terminal only, a log is kept. Null once a browser is signed in. */
  signInPath: string | null;
};

/** Says where the server is and how to send a first event: readable on a terminal, one JSON line otherwise. */
export function describeStart(facts: StartFacts): void {
  const url = `http://localhost:${facts.port}`;
  const database = describeDatabase(facts.location);
  const { role } = facts.config;
  // A worker takes no events.
  const command = role === "worker" ? null : firstEventCommand(url, facts.adminKey);
  if (!process.stdout.isTTY) {
    const line = { version: VERSION, bun: Bun.version, url, database, role };
    facts.logger.info(command === null ? line : { ...line, try: command }, "ready");
    return;
  }
  const lines = [
    "",
    `  ${bold(`Wharf ${VERSION}`)}  ${dim(`Bun ${Bun.version}`)}`,
    "",
    `  URL        ${bold(url)}${dim(describeReach(facts.config.host))}`,
    ...(role === "worker" ? [] : [`  Sign in    ${describeSignIn(url, facts.signInPath)}`]),
    `  Health     ${url}${role === "worker" ? "/health/ready" : "/api/health"}`,
    `  Database   ${database}`,
    `  Admin key  ${describeAdminKey(facts)}`,
    ...(command === null ? [] : ["", "  Send a first event:", "", ...indented(command)]),
    "",
    dim("  Ctrl-C drains and stops."),
    "",
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}

function describeSignIn(url: string, path: string | null): string {
  return path === null
    ? "bun run sign-in prints a link for another browser"
    : `${url}${path}${dim("  once, within ten minutes")}`;
}

function describeDatabase({ url, embedded }: DatabaseLocation): string {
  if (embedded === null) return hostAndPort(url);
  const state = embedded.adopted ? "embedded, already running" : "embedded";
  return `Postgres ${embedded.version} on ${embedded.host}:${embedded.port} (${state}), data in ${embedded.dataDir}`;
}

function describeReach(host: string): string {
  return isLoopback(host)
    ? "  this machine only"
    : "  all networks, plain HTTP; HOST=127.0.0.1 limits it to this machine";
}

/** A connection string holds a password: only host and port are ever shown. */
function hostAndPort(connectionString: string): string {
  return `Postgres on ${describeConnectionString(connectionString).address || "the default host"}`;
}

/** Where to find it: the key itself is never written here. */
export function describeAdminKey({
  adminKey,
  isKeyShown,
}: Pick<StartFacts, "adminKey" | "isKeyShown">): string {
  if (adminKey.source === "file") return adminKey.file;
  if (adminKey.source === "environment") return "from WHARF_ADMIN_KEY";
  return isKeyShown
    ? "printed above, once"
    : "printed once at the first start; to replace it, start once with WHARF_ADMIN_KEY";
}

export function firstEventCommand(url: string, adminKey: AdminKey): string {
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
    `curl -sS ${url}/api/events -H "Authorization: Bearer ${keyInShell(adminKey)}" -H 'Content-Type: application/json' \\`,
    `  -d '${JSON.stringify({ events: [event] })}'`,
  ].join("\n");
}

/** As a shell expression. If the shell does not have the key, the command fails with a message and sends nothing. */
function keyInShell(adminKey: AdminKey): string {
  if (adminKey.source === "file") return `$(cat ${shellWord(adminKey.file)})`;
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's
  return "${WHARF_ADMIN_KEY:?set it to an admin key}";
}

/** Quoted for a shell, for any path. */
function shellWord(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function indented(text: string): string[] {
  return text.split("\n").map((line) => `    ${line}`);
}

function bold(text: string): string {
  return `\u001B[1m${text}\u001B[0m`;
}

function dim(text: string): string {
  return `\u001B[2m${text}\u001B[0m`;
}
