import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** A statement with `$1` for the first of its parameters, and so on. */
type Statement = { text: string; parameters: string[] };

const SECTION = /^-- name: (\S+)\n/m;
const PARAMETER = /\$([a-z_]+)/g;

/** The statements of statements-before.sql by name. */
export async function readStatements(): Promise<ReadonlyMap<string, Statement>> {
  const file = await readFile(join(import.meta.dir, "statements-before.sql"), "utf8");
  const [, ...sections] = file.split(SECTION);
  const pairs = Array.from({ length: sections.length / 2 }, (_, n) => [
    sections[2 * n] ?? "",
    sections[2 * n + 1] ?? "",
  ]);
  return new Map(pairs.map(([name = "", text = ""]) => [name, numbered(text)]));
}

function numbered(section: string): Statement {
  const parameters: string[] = [];
  const text = section.replace(PARAMETER, (_, name: string) => {
    if (!parameters.includes(name)) parameters.push(name);
    return `$${parameters.indexOf(name) + 1}`;
  });
  return { text, parameters };
}
