import { type Setup, setupSchema } from "@wharf/protocol";
import { agentName } from "@wharf/protocol/agent-names";
import { Hono } from "hono";
import { readSetupFacts, type SetupFacts } from "../db/reads/setup-facts.ts";
import { operation } from "../http/operation.ts";
import { publicOrigin } from "../http/public-origin.ts";
import type { AppEnv } from "../http/request-context.ts";
import type { UpToDate } from "../ingest/up-to-date.ts";
import type { HubPlace } from "./storage.ts";

export type SetupDependencies = { reads: UpToDate; hub: HubPlace };

type Item = Setup["items"][number];

const read = operation({
  scopes: ["read"],
  tag: "Server",
  summary: "List the steps of the setup, each done by a real event, with what to do for the others",
  responses: { 200: setupSchema },
  example: { status: 200 },
});

/** GET /api/setup. */
export function setupRoutes({ reads, hub }: SetupDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.get("/", read, async function getSetup(c) {
    const facts = await reads.run(readSetupFacts);
    const items = [...itemsOfDevices(facts), ...itemsOfServer(hub, publicOrigin(c))];
    return c.json({ is_done: items.every(({ is_done }) => is_done), items } satisfies Setup);
  });

  return routes;
}

function itemsOfDevices(facts: SetupFacts): Item[] {
  return [
    {
      ...{ id: "device", agent: null, title: "A machine has joined", is_done: facts.has_device },
      todo: "Paste the line that `bun run enrol`, or the page of devices, shows on a machine with a coding agent.",
    },
    {
      ...{ id: "event", agent: null, title: "A first event has arrived", is_done: facts.has_event },
      todo: "Start a session of an agent on that machine. `wharf doctor` finds what is in the way.",
    },
    ...(facts.agents.length === 0 ? [null] : facts.agents).map((agent) => hooksItem(agent, facts)),
    {
      ...{ id: "transcript", agent: null, title: "A transcript was read", is_done: facts.has_transcript },
      todo: "Run `wharf backfill` on that machine: it sends the transcripts that are there, newest first.",
    },
    {
      ...{ id: "search", agent: null, title: "A first search was made", is_done: facts.has_search },
      todo: "Search for a word of one of your prompts, here or by `wharf search`.",
    },
  ];
}

function hooksItem(agent: string | null, { agents_with_hooks }: SetupFacts): Item {
  return {
    ...{
      id: "hooks",
      agent,
      title:
        agent === null
          ? "A hook has reported a session"
          : `A hook of ${agentName(agent)} has reported a session`,
    },
    is_done: agent !== null && agents_with_hooks.includes(agent),
    todo: "Start a new session on that machine: hooks show sessions while they run. `wharf hooks status` states whether they are installed, `wharf hooks install` installs them.",
  };
}

function itemsOfServer({ databaseFolder }: HubPlace, origin: string): Item[] {
  return [
    {
      ...{ id: "database", agent: null, title: "The database is a server of its own" },
      is_done: databaseFolder === null,
      todo: "The embedded database is on this machine only: back it up by `bun run backup FILE`, or move it by `bun run move --to URL` and set DATABASE_URL.",
    },
    {
      ...{
        id: "https",
        agent: null,
        title: "This page is served over HTTPS",
        is_done: origin.startsWith("https:"),
      },
      todo: "Before machines of other networks join: put a reverse proxy with TLS in front of the server (docs/reverse-proxy.md).",
    },
  ];
}
