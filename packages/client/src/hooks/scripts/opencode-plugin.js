// Written by `wharf hooks install`, and removed by `wharf hooks uninstall`: passes what happens in sessions to Wharf.
import { spawn } from "node:child_process";

const SCRIPT = "@SCRIPT@";
const PROCESSES_MAX = 20;
const TEXT_CHARACTERS_MAX = 100_000;
const EDITS_AND_COMMANDS = new Set(["bash", "edit", "multiedit", "write", "patch", "apply_patch"]);

const running = new Set();
/** Sessions of subagents: their prompts are not those of a person. */
const children = new Set();

/** In a detached process, which may outlive opencode. */
function send(fields) {
  if (running.size >= PROCESSES_MAX) return;
  const cut = (_, value) => (typeof value === "string" ? value.slice(0, TEXT_CHARACTERS_MAX) : value);
  const hook = spawn(SCRIPT, { detached: true, stdio: ["pipe", "ignore", "ignore"] });
  running.add(hook);
  for (const end of ["error", "close"]) hook.once(end, () => running.delete(hook));
  hook.stdin.once("error", () => undefined);
  hook.stdin.end(JSON.stringify(fields, cut));
  hook.unref();
}

/** An error of this plugin must not reach opencode. */
function quietly(act) {
  return async (...input) => {
    try {
      act(...input);
    } catch {}
  };
}

export const WharfPlugin = async ({ directory }) => {
  const pass = (hook_event_name, session_id, fields) =>
    send({ hook_event_name, session_id, cwd: directory, ...fields });
  const events = {
    "session.created": ({ info }) => {
      if (info.parentID) children.add(info.id);
      pass("SessionStart", info.id, { cwd: info.directory, source: "startup" });
    },
    "session.idle": ({ sessionID }) => pass("Stop", sessionID),
    "session.compacted": ({ sessionID }) => pass("PreCompact", sessionID),
    "permission.asked": ({ sessionID, permission }) =>
      pass("PermissionRequest", sessionID, { tool_name: permission }),
    // Of older versions.
    "permission.updated": ({ sessionID, type }) => pass("PermissionRequest", sessionID, { tool_name: type }),
    "question.asked": ({ sessionID }) =>
      pass("PermissionRequest", sessionID, { tool_name: "AskUserQuestion" }),
  };
  return {
    event: quietly(({ event: { type, properties } }) => {
      if (Object.hasOwn(events, type)) events[type](properties);
    }),
    "chat.message": quietly(({ sessionID }, { parts }) => {
      if (children.has(sessionID)) return;
      const texts = parts.filter(({ type, synthetic }) => type === "text" && !synthetic);
      pass("UserPromptSubmit", sessionID, { prompt: texts.map(({ text }) => text).join("\n") });
    }),
    "tool.execute.after": quietly(({ tool, sessionID, callID, args }, { metadata }) => {
      if (!EDITS_AND_COMMANDS.has(tool)) return;
      const call = { tool_name: tool, tool_use_id: callID, tool_input: args };
      pass("PostToolUse", sessionID, { ...call, tool_response: { exit_code: metadata?.exit } });
    }),
    // Git hooks that a command runs read their session from it.
    "shell.env": quietly(({ sessionID }, { env }) => {
      if (sessionID) env.WHARF_SESSION_ID = sessionID;
    }),
  };
};
