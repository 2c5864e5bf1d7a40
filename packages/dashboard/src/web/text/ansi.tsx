import type { ComponentChildren } from "preact";

/** Escape sequences of terminals: colours and styles (`m`, captured), other CSI; OSC, DCS and the like with their text; two characters. */
const ESCAPES =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one.
  /(?:\u001b\[|\u009b)(?:([0-9;:]*)m|[0-?]*[ -/]*[@-~]?)|\u001b[\]PX^_][^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)?|\u001b[ -/]*[0-~]?/g;

type Style = { color: number | null; isBold: boolean; isFaint: boolean; isUnderlined: boolean };
const PLAIN: Style = { color: null, isBold: false, isFaint: false, isUnderlined: false };

/** A terminal's output: the sixteen colours, bold, faint and underline as classes; all other sequences are left out. */
export function ansi(text: string): ComponentChildren {
  if (!text.includes("\u001b") && !text.includes("\u009b")) return text;
  const parts: ComponentChildren[] = [];
  let style = PLAIN;
  let end = 0;
  const add = (part: string) => {
    if (part === "") return;
    const names = classesOf(style);
    parts.push(names === "" ? part : <span class={names}>{part}</span>);
  };
  for (const found of text.matchAll(ESCAPES)) {
    add(text.slice(end, found.index));
    end = found.index + found[0].length;
    if (found[1] !== undefined) style = styled(style, found[1]);
  }
  add(text.slice(end));
  return parts;
}

function styled(before: Style, codes: string): Style {
  let style = before;
  const numbers = codes.split(/[;:]/).map(Number);
  for (let at = 0; at < numbers.length; at += 1) {
    const code = numbers[at] ?? 0;
    // A colour by number or by three bytes; of these the sixteen that themes have are shown.
    if (code === 38 || code === 48) {
      const isNumbered = numbers[at + 1] === 5;
      const color = numbers[at + 2] ?? 16;
      if (code === 38) style = { ...style, color: isNumbered && color < 16 ? color : null };
      at += isNumbered ? 2 : 4;
    } else style = applied(style, code);
  }
  return style;
}

function applied(style: Style, code: number): Style {
  if (code === 0) return PLAIN;
  if (code === 1) return { ...style, isBold: true };
  if (code === 2) return { ...style, isFaint: true };
  if (code === 4) return { ...style, isUnderlined: true };
  if (code === 22) return { ...style, isBold: false, isFaint: false };
  if (code === 24) return { ...style, isUnderlined: false };
  if (code === 39) return { ...style, color: null };
  if (code >= 30 && code <= 37) return { ...style, color: code - 30 };
  if (code >= 90 && code <= 97) return { ...style, color: code - 90 + 8 };
  return style;
}

function classesOf({ color, isBold, isFaint, isUnderlined }: Style): string {
  return [
    color === null ? "" : `ansi-${color % 8}`,
    isBold || (color ?? 0) > 7 ? "ansi-bold" : "",
    isFaint ? "faint" : "",
    isUnderlined ? "ansi-underline" : "",
  ]
    .filter((name) => name !== "")
    .join(" ");
}
