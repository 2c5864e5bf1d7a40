import { loadConfig } from "../environment.ts";
import { createSignInLink } from "../keys/sign-in-link.ts";
import { runCommandLine } from "./command-line.ts";
import { ownUrl, readUrl } from "./server-url.ts";
import { withDatabase } from "./with-database.ts";

const USAGE = `Usage: bun run sign-in [--url URL] [--json]

Prints a link that signs in one browser as administrator. It works once, within ten minutes.
--url  the server's address as the browser reaches it; by default that of the running server
Exit codes: 0 success; 1 no database, with the remedy; 2 invalid arguments.
`;

const options = { url: { type: "string" }, json: { type: "boolean" } } as const;

await runCommandLine(USAGE, options, async function signIn({ url: typed, json }) {
  const config = loadConfig();
  const url = typed === undefined ? await ownUrl(config) : readUrl(typed);
  const pool = { use: "command", isDirect: false, applicationName: "wharf-sign-in", max: 1 } as const;
  const path = await withDatabase(config, pool, (sql) => createSignInLink(sql));
  const link = `${url.origin}${url.pathname.replace(/\/+$/, "")}${path}`;
  const remark = typed === undefined ? "\n--url names another address of this server.\n" : "";
  process.stdout.write(
    json ? `${JSON.stringify({ link })}\n` : `Open once, within ten minutes:\n\n  ${link}\n${remark}`,
  );
  return 0;
});
