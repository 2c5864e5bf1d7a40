import { join } from "node:path";
import { quoted } from "../served/shell.ts";
import type { ScriptName } from "./render-scripts.ts";

const SCRIPT: ScriptName = "codex-notify.sh";
const MARK = " # wharf";
const NOTIFY = /^[ \t]*(?:notify|"notify"|'notify')[ \t]*=.*$/gm;

/** Codex has one program that it notifies: that of another stays. */
export function hasOtherNotify(text: string): boolean {
  return (text.match(NOTIFY) ?? []).some((line) => !isOurs(line));
}

export function hasNotify(text: string, directory: string): boolean {
  return linesOf(text).lines.some((line) => line.trimEnd() === lineFor(directory));
}

/** The TOML text with our line before all others, where no table has begun. */
export function withNotify(text: string, directory: string): string {
  if (hasNotify(text, directory)) return text;
  const { mark, lines } = linesOf(withoutNotify(text));
  const end = text.includes("\r\n") ? "\r\n" : "\n";
  return `${mark}${lineFor(directory)}${end}${lines.join("")}`;
}

export function withoutNotify(text: string): string {
  const { mark, lines } = linesOf(text);
  return mark + lines.filter((line) => !isOurs(line)).join("");
}

/** Each with its end. `mark`: a byte order mark. */
function linesOf(text: string): { mark: string; lines: string[] } {
  const mark = text.startsWith("\uFEFF") ? "\uFEFF" : "";
  return { mark, lines: text.slice(mark.length).split(/(?<=\n)/) };
}

function isOurs(line: string): boolean {
  return line.startsWith("notify = [") && line.trimEnd().endsWith(MARK);
}

/** Codex adds what it notifies of as the last argument. A missing script is no error. JSON of these texts is TOML, too. */
function lineFor(directory: string): string {
  const path = quoted(join(directory, SCRIPT));
  const words = ["/bin/sh", "-c", `[ ! -x ${path} ] || exec ${path} "$0"`];
  return `notify = ${JSON.stringify(words)}${MARK}`;
}
