import type { Command } from "commander";
import type { Io } from "../io.ts";

/** Adds arguments, options and the action to a command. */
export type Define = (command: Command, io: Io, all: readonly CommandEntry[]) => void;

export type CommandEntry = {
  name: string;
  /** Heading of `wharf --help`. */
  group: string;
  /** One line of `wharf --help`, without a full stop. */
  summary: string;
  /** Loaded when the command runs, or its help is shown. */
  load: () => Promise<Define>;
  /** Not in the help. */
  isHidden?: true;
};

/** In the order of `wharf --help`. A command that is not complete is not listed. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "connect",
    group: "Set up",
    summary: "Connect this machine to a hub",
    load: async () => (await import("./connect.ts")).connect,
  },
  {
    name: "status",
    group: "Set up",
    summary: "Show the hub, today on all machines, and what is unsent",
    load: async () => (await import("./status.ts")).status,
  },
  {
    name: "doctor",
    group: "Set up",
    summary: "Check hub, clock, keys and runtime, each with the fix",
    load: async () => (await import("./doctor.ts")).doctor,
  },
  {
    name: "hooks",
    group: "Set up",
    summary: "Install, show and remove the hooks of agents and git",
    load: async () => (await import("./hooks.ts")).hooks,
  },
  {
    name: "share",
    group: "Set up",
    summary: "Choose what of a repository, a path or an agent is sent",
    load: async () => (await import("./share.ts")).share,
  },
  {
    name: "service",
    group: "Set up",
    summary: "Keep a sender running, as a service of this user",
    load: async () => (await import("./service.ts")).service,
  },
  {
    name: "update",
    group: "Set up",
    summary: "Replace this program by the one that the hub offers",
    load: async () => (await import("./update.ts")).update,
  },
  {
    name: "uninstall",
    group: "Set up",
    summary: "Remove what the installation wrote",
    load: async () => (await import("./uninstall.ts")).uninstall,
  },
  {
    name: "completion",
    group: "Set up",
    summary: "Print the completion script of a shell",
    load: async () => (await import("./completion.ts")).completion,
  },
  {
    name: "install",
    group: "Set up",
    summary: "Install this program for this user",
    load: async () => (await import("./install.ts")).install,
    isHidden: true,
  },
  {
    name: "now",
    group: "Look",
    summary: "Show what happens in open sessions, and which need you",
    load: async () => (await import("./now.ts")).now,
  },
  {
    name: "sessions",
    group: "Look",
    summary: "List sessions, newest first",
    load: async () => (await import("./sessions.ts")).sessions,
  },
  {
    name: "session",
    group: "Look",
    summary: "Show a session, its transcript, events or git activity",
    load: async () => (await import("./session.ts")).session,
  },
  {
    name: "search",
    group: "Look",
    summary: "Search prompts, answers, commands, paths and output",
    load: async () => (await import("./search.ts")).search,
  },
  {
    name: "usage",
    group: "Look",
    summary: "Show tokens and cost by period, model, device or workspace",
    load: async () => (await import("./usage.ts")).usage,
  },
  {
    name: "timeline",
    group: "Look",
    summary: "Show sessions and git activity, newest first",
    load: async () => (await import("./timeline.ts")).timeline,
  },
  {
    name: "workspaces",
    group: "Look",
    summary: "List workspaces with their totals",
    load: async () => (await import("./workspaces.ts")).workspaces,
  },
  {
    name: "why",
    group: "Look",
    summary: "Show which session made a commit, or a line of a file",
    load: async () => (await import("./why.ts")).why,
  },
  {
    name: "resume",
    group: "Look",
    summary: "Print the command that resumes a session",
    load: async () => (await import("./resume.ts")).resume,
  },
  {
    name: "backfill",
    group: "Send",
    summary: "Send the transcripts that are on this machine",
    load: async () => (await import("./backfill.ts")).backfill,
  },
  {
    name: "queue",
    group: "Send",
    summary: "Show and send what waits on this machine",
    load: async () => (await import("./queue.ts")).queue,
  },
  {
    name: "send",
    group: "Send",
    summary: "Send events and transcripts until nothing changes",
    load: async () => (await import("./send.ts")).send,
  },
  {
    name: "emit",
    group: "Send",
    summary: "Send one event",
    load: async () => (await import("./emit.ts")).emit,
  },
  {
    name: "redact",
    group: "Send",
    summary: "Show a file as it would be sent, without secrets",
    load: async () => (await import("./redact.ts")).redact,
  },
  {
    name: "devices",
    group: "Administer the hub",
    summary: "List, rename and remove devices",
    load: async () => (await import("./devices.ts")).devices,
  },
  {
    name: "jobs",
    group: "Administer the hub",
    summary: "List, inspect, retry and cancel jobs, and pause queues",
    load: async () => (await import("./jobs.ts")).jobs,
  },
  {
    name: "prices",
    group: "Administer the hub",
    summary: "List and set the prices of models",
    load: async () => (await import("./prices.ts")).prices,
  },
  {
    name: "keys",
    group: "Administer the hub",
    summary: "List, create, rotate and revoke keys of the hub",
    load: async () => (await import("./keys.ts")).keys,
  },
  {
    name: "demo",
    group: "Administer the hub",
    summary: "Fill the hub with a month of invented sessions, or remove them",
    load: async () => (await import("./demo.ts")).demo,
  },
];
