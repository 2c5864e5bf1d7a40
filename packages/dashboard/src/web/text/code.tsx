import bash from "@speed-highlight/core/languages/bash.js";
import c from "@speed-highlight/core/languages/c.js";
import css from "@speed-highlight/core/languages/css.js";
import diff from "@speed-highlight/core/languages/diff.js";
import docker from "@speed-highlight/core/languages/docker.js";
import go from "@speed-highlight/core/languages/go.js";
import html from "@speed-highlight/core/languages/html.js";
import ini from "@speed-highlight/core/languages/ini.js";
import java from "@speed-highlight/core/languages/java.js";
import js from "@speed-highlight/core/languages/js.js";
import json from "@speed-highlight/core/languages/json.js";
import py from "@speed-highlight/core/languages/py.js";
import rs from "@speed-highlight/core/languages/rs.js";
import sql from "@speed-highlight/core/languages/sql.js";
import toml from "@speed-highlight/core/languages/toml.js";
import ts from "@speed-highlight/core/languages/ts.js";
import xml from "@speed-highlight/core/languages/xml.js";
import yaml from "@speed-highlight/core/languages/yaml.js";
import { type ShjLanguageData, tokenizeWith } from "@speed-highlight/core/tokenize";
import type { ComponentChildren } from "preact";

const CODE_CHARACTERS_MAX = 50_000;
/** The tokenizer's time may grow with the square of the length. */
const PIECE_CHARACTERS_MAX = 2_000;
/** Of one text; the pieces after that are plain. */
const PIECES_MS_MAX = 30;

/** Their own types do not allow for exactOptionalPropertyTypes. */
const LANGUAGES = {
  bash,
  c,
  css,
  diff,
  docker,
  go,
  html,
  ini,
  java,
  js,
  json,
  py,
  rs,
  sql,
  toml,
  ts,
  xml,
  yaml,
} as unknown as Readonly<Record<string, ShjLanguageData>>;

/** Names that people write behind a fence or as the end of a file. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  sh: "bash",
  shell: "bash",
  zsh: "bash",
  console: "bash",
  h: "c",
  cpp: "c",
  cc: "c",
  hpp: "c",
  scss: "css",
  patch: "diff",
  dockerfile: "docker",
  htm: "html",
  svg: "xml",
  kt: "java",
  javascript: "js",
  jsx: "js",
  mjs: "js",
  cjs: "js",
  jsonl: "json",
  jsonc: "json",
  python: "py",
  rust: "rs",
  typescript: "ts",
  tsx: "ts",
  mts: "ts",
  yml: "yaml",
};

/** Code with its tokens as classes; as it is in an unknown language or with more than 50,000 characters. */
export function code(text: string, language: string): ComponentChildren {
  const name = language.toLowerCase();
  const known = OTHER_NAMES[name] ?? name;
  if (!Object.hasOwn(LANGUAGES, known) || text.length > CODE_CHARACTERS_MAX) return text;
  const parts: ComponentChildren[] = [];
  const endsAt = performance.now() + PIECES_MS_MAX;
  let at = 0;
  while (at < text.length && performance.now() < endsAt) {
    const piece = pieceOf(text, at);
    at += piece.length;
    tokenizeWith(
      piece,
      known,
      (part, type) => {
        if (part === "") return;
        parts.push(type === undefined ? part : <span class={`code-${type}`}>{part}</span>);
      },
      { languages: LANGUAGES },
    );
  }
  return [...parts, text.slice(at)];
}

/** Whole lines, unless one is longer. */
function pieceOf(text: string, from: number): string {
  const piece = text.slice(from, from + PIECE_CHARACTERS_MAX);
  return from + piece.length === text.length ? piece : piece.slice(0, piece.lastIndexOf("\n") + 1) || piece;
}
