import { isDeepStrictEqual } from "node:util";
import { type AgentHook, hookGroup, isOurGroup } from "./agent-hooks.ts";
import { appendValue, locateValues, nodeAt, removeChild } from "./json-text.ts";

type Settings = { hooks?: Record<string, unknown[]> };

/** The settings cannot be changed safely. `message` is the reason. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
}

const NEW_FILE = "{}\n";

/** The text with our hooks in it, after those of others; the same text when they are there. Null: there is no file. Throws SettingsError. */
export function withHooks(text: string | null, hooks: readonly AgentHook[], directory: string): string {
  const settings = read(text ?? NEW_FILE);
  if (text !== null && hasAll(settings, hooks, directory)) return text;
  const base = text === null ? NEW_FILE : withoutHooks(text);
  let changed = read(base).hooks === undefined ? appendValue(base, [], "hooks", {}) : base;
  for (const hook of hooks) {
    const group = hookGroup(hook, directory);
    const isNew = read(changed).hooks?.[hook.event] === undefined;
    changed = isNew
      ? appendValue(changed, ["hooks"], hook.event, [group])
      : appendValue(changed, ["hooks", hook.event], null, group);
  }
  const isSafe =
    hasAll(read(changed), hooks, directory) && isDeepStrictEqual(othersIn(changed), othersIn(base));
  if (!isSafe) {
    throw new SettingsError("it has a form that cannot be changed safely, such as a name that occurs twice");
  }
  return changed;
}

/** The text without our hooks, and without lists that they leave empty. Throws SettingsError. */
export function withoutHooks(text: string): string {
  let changed = text;
  let isChanged = false;
  for (const event of Object.keys(read(text).hooks ?? {})) {
    for (let index = (read(changed).hooks?.[event]?.length ?? 0) - 1; index >= 0; index--) {
      if (!isOurGroup(read(changed).hooks?.[event]?.[index])) continue;
      changed = removeChild(changed, ["hooks", event], index);
      isChanged = true;
      if (read(changed).hooks?.[event]?.length === 0) changed = removeMember(changed, ["hooks"], event);
    }
  }
  return isChanged && Object.keys(read(changed).hooks ?? {}).length === 0
    ? removeMember(changed, [], "hooks")
    : changed;
}

export function hasAllHooks(text: string, hooks: readonly AgentHook[], directory: string): boolean {
  return hasAll(read(text), hooks, directory);
}

function hasAll({ hooks: present = {} }: Settings, hooks: readonly AgentHook[], directory: string): boolean {
  return hooks.every((hook) => {
    const ours = (present[hook.event] ?? []).filter(isOurGroup);
    return ours.length === 1 && isDeepStrictEqual(ours[0], hookGroup(hook, directory));
  });
}

/** The hooks of others, by event. */
function othersIn(text: string): [string, unknown[]][] {
  const events = Object.entries(read(text).hooks ?? {});
  return events
    .map(([event, groups]): [string, unknown[]] => [event, groups.filter((group) => !isOurGroup(group))])
    .filter(([, groups]) => groups.length > 0);
}

function removeMember(text: string, path: readonly string[], key: string): string {
  const node = nodeAt(locateValues(text), path);
  const index = node?.kind === "object" ? node.children.findLastIndex((child) => child.key === key) : -1;
  return removeChild(text, path, index);
}

function read(text: string): Settings {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch {
    throw new SettingsError("it is not JSON; comments are not allowed in it, either");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new SettingsError("it is not a JSON object");
  const hooks = "hooks" in value ? value.hooks : undefined;
  if (hooks === undefined) return {};
  const isObject = typeof hooks === "object" && hooks !== null && !Array.isArray(hooks);
  const isKnown = isObject && Object.values(hooks).every(Array.isArray);
  if (!isKnown) throw new SettingsError('its "hooks" are not lists by the name of an event');
  return { hooks: hooks as Record<string, unknown[]> };
}
