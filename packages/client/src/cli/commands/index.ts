import type { Command } from "commander";
import type { Io } from "../io.ts";

/** Adds arguments, options and the action to a command. */
export type Define = (command: Command, io: Io, all: readonly CommandEntry[]) => void;

export type CommandEntry = {
  name: string;
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
    summary: "Connect this machine to a hub",
    load: async () => (await import("./connect.ts")).connect,
  },
  {
    name: "status",
    summary: "Show the hub, today on all machines, and what is unsent",
    load: async () => (await import("./status.ts")).status,
  },
  {
    name: "doctor",
    summary: "Check the hub, the clock, the keys and the runtime, each with the fix",
    load: async () => (await import("./doctor.ts")).doctor,
  },
  {
    name: "now",
    summary: "Show what happens in open sessions, and which need you",
    load: async () => (await import("./now.ts")).now,
  },
  {
    name: "hooks",
    summary: "Install, show and remove the hooks of agents and git",
    load: async () => (await import("./hooks.ts")).hooks,
  },
  {
    name: "backfill",
    summary: "Send the transcripts that are on this machine",
    load: async () => (await import("./backfill.ts")).backfill,
  },
  {
    name: "queue",
    summary: "Show and send what waits on this machine",
    load: async () => (await import("./queue.ts")).queue,
  },
  {
    name: "sessions",
    summary: "List sessions, newest first",
    load: async () => (await import("./sessions.ts")).sessions,
  },
  {
    name: "session",
    summary: "Show a session, its transcript, events or git activity",
    load: async () => (await import("./session.ts")).session,
  },
  {
    name: "search",
    summary: "Search prompts, answers, commands, paths and output",
    load: async () => (await import("./search.ts")).search,
  },
  {
    name: "usage",
    summary: "Show tokens and cost by day, week, month, session, model, device or workspace",
    load: async () => (await import("./usage.ts")).usage,
  },
  {
    name: "timeline",
    summary: "Show sessions and git activity, newest first",
    load: async () => (await import("./timeline.ts")).timeline,
  },
  {
    name: "workspaces",
    summary: "List workspaces with their totals",
    load: async () => (await import("./workspaces.ts")).workspaces,
  },
  {
    name: "devices",
    summary: "List, rename and remove devices",
    load: async () => (await import("./devices.ts")).devices,
  },
  {
    name: "why",
    summary: "Show which session made a commit, or a line of a file",
    load: async () => (await import("./why.ts")).why,
  },
  {
    name: "resume",
    summary: "Print the command that resumes a session",
    load: async () => (await import("./resume.ts")).resume,
  },
  {
    name: "emit",
    summary: "Send one event",
    load: async () => (await import("./emit.ts")).emit,
  },
  {
    name: "redact",
    summary: "Show a file as it would be sent, without secrets",
    load: async () => (await import("./redact.ts")).redact,
  },
  {
    name: "share",
    summary: "Choose what of a repository, a path or an agent is sent",
    load: async () => (await import("./share.ts")).share,
  },
  {
    name: "jobs",
    summary: "List, inspect and retry jobs of the hub",
    load: async () => (await import("./jobs.ts")).jobs,
  },
  {
    name: "keys",
    summary: "List, create, rotate and revoke keys of the hub",
    load: async () => (await import("./keys.ts")).keys,
  },
  {
    name: "demo",
    summary: "Fill the hub with a month of invented sessions, or remove them",
    load: async () => (await import("./demo.ts")).demo,
  },
  {
    name: "completion",
    summary: "Print the completion script of a shell",
    load: async () => (await import("./completion.ts")).completion,
  },
  {
    name: "send",
    summary: "Send what hooks left and what transcripts gained, until nothing changes",
    load: async () => (await import("./send.ts")).send,
  },
  {
    name: "service",
    summary: "Keep a sender running, as a service of this user",
    load: async () => (await import("./service.ts")).service,
  },
  {
    name: "update",
    summary: "Replace this program by the one that the hub offers",
    load: async () => (await import("./update.ts")).update,
  },
  {
    name: "uninstall",
    summary: "Remove what the installation wrote",
    load: async () => (await import("./uninstall.ts")).uninstall,
  },
  {
    name: "install",
    summary: "Install this program for this user",
    load: async () => (await import("./install.ts")).install,
    isHidden: true,
  },
];
