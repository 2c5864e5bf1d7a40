import { insertEnrolmentCode } from "../db/edits/enrolment-codes.ts";
import { loadConfig } from "../environment.ts";
import { createEnrolmentCode, ENROLMENT_CODE_LIFE_S } from "../keys/enrolment-code.ts";
import { installLine } from "../keys/install-line.ts";
import { isLoopbackUrl } from "../loopback.ts";
import { runCommandLine } from "./command-line.ts";
import { qrCodeLines } from "./qr-code.ts";
import { ownUrl, readUrl } from "./server-url.ts";
import { withDatabase } from "./with-database.ts";

const USAGE = `Usage: bun run enrol [--url URL] [--device ID] [--json]

Prints the line to paste on a machine that joins: it installs the wharf command there and enrols the device.
--url     the server's address as that machine reaches it; by default that of the running server
--device  the id of a device that joins again and keeps its history
Exit codes: 0 success; 1 no database, with the remedy; 2 invalid arguments.
`;

const ACTOR = { actor: "bun run enrol", request_id: null };
const options = { url: { type: "string" }, device: { type: "string" }, json: { type: "boolean" } } as const;

await runCommandLine(USAGE, options, async function enrol({ url: typed, device, json }) {
  const config = loadConfig();
  const url = typed === undefined ? await ownUrl(config) : readUrl(typed);
  const { code, hash } = createEnrolmentCode();
  const stored = { hash, deviceId: device ?? null, mayRead: true, life_s: ENROLMENT_CODE_LIFE_S };
  const pool = { use: "command", isDirect: false, applicationName: "wharf-enrol", max: 1 } as const;
  const expires_at = await withDatabase(config, pool, (sql) => insertEnrolmentCode(sql, stored, ACTOR));
  const command = installLine(url, code);
  const text = json
    ? JSON.stringify({ command, code, url: url.href, expires_at })
    : `On the machine that joins, within ten minutes:\n\n  ${command}\n${picture(command)}${remarks(url, typed === undefined)}`;
  process.stdout.write(`${text}\n`);
  return 0;
});

/** For a machine with a camera; on a terminal only. */
function picture(command: string): string {
  const lines = process.stdout.isTTY ? qrCodeLines(command, process.stdout.columns) : null;
  return lines === null ? "" : `\n${lines.join("\n")}\n`;
}

function remarks(url: URL, isGuessed: boolean): string {
  const lines: string[] = [];
  if (isGuessed && isLoopbackUrl(url))
    lines.push("This address works on this machine only; --url names another one.");
  else if (isGuessed) lines.push("--url names another address of this server.");
  if (url.protocol === "http:" && !isLoopbackUrl(url))
    lines.push(
      "Plain HTTP: others on the network can read keys and transcripts. Use https outside a trusted network.",
    );
  return lines.length === 0 ? "" : `\n${lines.join("\n")}`;
}
