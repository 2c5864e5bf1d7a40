import { join } from "node:path";
import type { Row, Sql } from "postgres";
import type { Driver } from "../../contract/driver.ts";

const PAGE = join(import.meta.dir, "../../../../../docs/runbook.md");
/** ```sql, indented or not, whose first line names it. */
const BLOCK = /^( *)```sql\n *-- (.+)\n([\s\S]*?)^\1```$/gm;
/** psql's variables: `:name` as it is, `:'name'` as a literal, `:"name"` as an identifier. `::` is a cast. */
const VARIABLE = /(?<!:):(?:'(\w+)'|"(\w+)"|([a-z]\w*))/g;

export type Variables = Readonly<Record<string, string>>;

/** What a case works with: an empty migrated database, and its statement as psql would send it. */
export type Situation = {
  readonly sql: Sql;
  readonly url: string;
  readonly driver: Driver;
  run(variables?: Variables): Promise<Row[]>;
  /** The statement with its variables filled in, for a connection of the case's own. */
  text(variables?: Variables): string;
};

/** By the statement's name on the page: a sentence about its effect, and the check of it. */
export type Cases = Readonly<Record<string, readonly [string, (situation: Situation) => Promise<void>]>>;

/** The statements of the runbook by their names. Throws for a block without a name, or two of one name. */
export async function readStatements(): Promise<ReadonlyMap<string, string>> {
  const page = await Bun.file(PAGE).text();
  const found = [...page.matchAll(BLOCK)].map(([, , name = "", text = ""]) => [name, text] as const);
  const statements = new Map(found);
  if (statements.size !== page.split("```sql").length - 1) {
    throw new Error("Every sql block of the runbook begins with a comment that no other block has.");
  }
  return statements;
}

/** Throws for a variable that is missing, and for one that the statement does not have. */
export function fillIn(statement: string, variables: Variables): string {
  const used = new Set<string>();
  const text = statement.replaceAll(VARIABLE, (_, literal?: string, identifier?: string, plain?: string) => {
    const name = literal ?? identifier ?? plain ?? "";
    const value = variables[name];
    if (value === undefined) throw new Error(`The statement needs the variable ${name}.`);
    used.add(name);
    if (literal !== undefined) return `'${value.replaceAll("'", "''")}'`;
    return identifier === undefined ? value : `"${value.replaceAll('"', '""')}"`;
  });
  const unused = Object.keys(variables).filter((name) => !used.has(name));
  if (unused.length > 0) throw new Error(`The statement has no variable ${unused.join(", ")}.`);
  return text;
}
