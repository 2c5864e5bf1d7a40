/** Common lines around a change. */
const CONTEXT_LINES = 3;
/** Pairs of lines that are compared, such as 500 lines with 500; texts of more are taken as replaced as a whole. */
const PAIRS_MAX = 250_000;

export type DiffLine = { sign: " " | "-" | "+"; line: string };

/** What leads from one text to the other, with a longest common sequence of lines as what is kept. */
export function diffLines(before: string, after: string): DiffLine[] {
  const a = linesOf(before);
  const b = linesOf(after);
  let start = 0;
  while (start < Math.min(a.length, b.length) && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a.at(-1 - end) === b.at(-1 - end)) end += 1;
  return [
    ...signed(" ", a.slice(0, start)),
    ...changed(a.slice(start, a.length - end), b.slice(start, b.length - end)),
    ...signed(" ", a.slice(a.length - end)),
  ];
}

/** As text, each line behind its sign: changes with three common lines around each, and `@@` for others that are left out. */
export function diffText(before: string, after: string): string {
  const lines = diffLines(before, after);
  const isNear = lines.map(() => false);
  for (const [index, { sign }] of lines.entries())
    if (sign !== " ") isNear.fill(true, Math.max(0, index - CONTEXT_LINES), index + CONTEXT_LINES + 1);
  const texts = lines.flatMap(({ sign, line }, index) => {
    if (isNear[index]) return [sign + line];
    return isNear[index - 1] && isNear.includes(true, index) ? ["@@"] : [];
  });
  return texts.join("\n");
}

/** The lines of a text, whose last one may end with a line break. */
export function linesOf(value: string): string[] {
  if (value === "") return [];
  return (value.endsWith("\n") ? value.slice(0, -1) : value).split("\n");
}

function signed(sign: DiffLine["sign"], lines: readonly string[]): DiffLine[] {
  return lines.map((line) => ({ sign, line }));
}

function changed(a: readonly string[], b: readonly string[]): DiffLine[] {
  if (a.length * b.length > PAIRS_MAX) return [...signed("-", a), ...signed("+", b)];
  const width = b.length + 1;
  // The length of the longest common sequence of a from i and b from j.
  const common = new Uint16Array((a.length + 1) * width);
  const at = (i: number, j: number) => common[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      common[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const lines: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) {
      lines.push({ sign: " ", line: a[i] ?? "" });
      i += 1;
      j += 1;
    } else if (at(i + 1, j) >= at(i, j + 1)) lines.push({ sign: "-", line: a[i++] ?? "" });
    else lines.push({ sign: "+", line: b[j++] ?? "" });
  }
  return [...lines, ...signed("-", a.slice(i)), ...signed("+", b.slice(j))];
}
