import { splitStatements } from "../split-statements.ts";

type Locking = { table: string; isExclusive: boolean; statement: string };

const NAME = String.raw`(?:ONLY\s+)?"?(?:public\.)?"?(?<table>\w+)"?`;
const EXISTS = String.raw`(?:IF (?:NOT )?EXISTS\s+)?`;

/** What conflicts with writes of other processes, and whether it conflicts with reads, too (ACCESS EXCLUSIVE). */
const HEAVY: readonly [pattern: RegExp, isExclusive: boolean][] = [
  [
    new RegExp(
      `^ALTER TABLE ${NAME}\\s+(?:ENABLE|DISABLE)\\s+(?:ALWAYS\\s+|REPLICA\\s+)?TRIGGER\\b[^,]*$`,
      "i",
    ),
    false,
  ],
  [new RegExp(`^ALTER TABLE ${EXISTS}${NAME}`, "i"), true],
  [new RegExp(`^DROP TABLE ${EXISTS}${NAME}`, "i"), true],
  [new RegExp(`^TRUNCATE (?:TABLE )?${NAME}`, "i"), true],
  [new RegExp(`^LOCK TABLE ${NAME}.*ACCESS EXCLUSIVE`, "is"), true],
  [new RegExp(`^LOCK TABLE ${NAME}`, "i"), false],
  [new RegExp(`^DROP TRIGGER ${EXISTS}\\w+ ON ${NAME}`, "i"), true],
  [new RegExp(`^CREATE (?:OR REPLACE )?(?:CONSTRAINT )?TRIGGER\\b.*?\\bON ${NAME}`, "is"), false],
  [new RegExp(`^CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY).*?\\bON ${NAME}`, "is"), false],
  // Of a table that the statement does not name.
  [/^DROP INDEX (?!CONCURRENTLY)(?:IF EXISTS\s+)?(?<table>\w+)/i, true],
];
const ROW_LOCKS: readonly RegExp[] = [
  new RegExp(`\\b(?:UPDATE|DELETE FROM) ${NAME}`, "i"),
  new RegExp(`\\bFROM ${NAME}[^;]*\\bFOR (?:NO KEY )?(?:UPDATE|SHARE)\\b`, "i"),
];
const RUNS_AT_ONCE = /^(?:UPDATE|DELETE|SELECT|WITH|DO)\b/i;
const IN_PIECES = /^DO\b.*\bLOOP\b.*\bCOMMIT\b.*\bEND LOOP\b/is;
/** A foreign key adds triggers to the table that it refers to. */
const REFERENCES = new RegExp(String.raw`\bREFERENCES ${NAME}`, "gi");
const CREATED = new RegExp(`^CREATE (?:UNLOGGED )?TABLE ${EXISTS}${NAME}`, "i");
const WRITTEN = new RegExp(String.raw`\b(?:UPDATE|INSERT INTO|DELETE FROM)\s+${NAME}`, "i");
const PLAIN_INDEX = /^(?:CREATE (?:UNIQUE )?|DROP )INDEX (?!CONCURRENTLY)/i;
const NO_TRANSACTION = /^--\s*migrate:no-transaction\s*$/m;
const COMMENTS = /--[^\n]*|\/\*.*?\*\//gs;

/**
 * Statements that keep rows of a table that was there before locked until all of it is written. A block of a file without a transaction
 * may write it in pieces, with a COMMIT after each.
 */
export function findUnboundedWrites(text: string): string[] {
  const statements = statementsOf(text);
  const created = createdBy(statements);
  const mayCommit = NO_TRANSACTION.test(text);
  return statements
    .filter((statement) => RUNS_AT_ONCE.test(statement) && !(mayCommit && IN_PIECES.test(statement)))
    .filter((statement) =>
      ROW_LOCKS.some((pattern) => {
        const table = pattern.exec(statement)?.groups?.["table"];
        return table !== undefined && !created.has(table);
      }),
    )
    .map(lineOf);
}

/**
 * Why a migration may deadlock with, or hold up, the processes that write meanwhile; empty if it may not. In one transaction it may lock
 * one table that was there before, with its strongest lock first: a stronger one later deadlocks with a process that writes and waits.
 */
export function findLockProblems(text: string): string[] {
  const statements = statementsOf(text);
  const created = createdBy(statements);
  if (NO_TRANSACTION.test(text)) {
    return statements
      .filter((each) => PLAIN_INDEX.test(each))
      .map((each) => `not CONCURRENTLY: ${lineOf(each)}`);
  }
  const problems = referringProblems(statements, created);
  const held = new Map<string, Locking>();
  for (const statement of statements) {
    const locking = lockingOf(statement);
    const written = locking === undefined ? WRITTEN.exec(statement)?.groups?.["table"] : undefined;
    if (written !== undefined && !/^CREATE/i.test(statement)) {
      held.set(written, held.get(written) ?? { table: written, isExclusive: false, statement: "" });
    }
    if (locking === undefined || created.has(locking.table)) continue;
    if (PLAIN_INDEX.test(statement)) problems.push(`not CONCURRENTLY: ${lineOf(statement)}`);
    const before = held.get(locking.table);
    const others = [...held.values()].filter(({ table }) => table !== locking.table);
    if (others.length > 0 && locking.isExclusive) {
      problems.push(`an exclusive lock after another: ${lineOf(statement)}`);
    } else if (others.some((other) => other.statement !== "")) {
      problems.push(`a second table locked: ${lineOf(statement)}`);
    } else if (before !== undefined && locking.isExclusive && !before.isExclusive) {
      problems.push(`a stronger lock than before: ${lineOf(statement)}`);
    }
    if (before?.isExclusive !== true) held.set(locking.table, locking);
  }
  return problems;
}

/** Two tables that were there before, and to which the keys of new tables refer, are locked one after the other, as by writers. */
function referringProblems(statements: readonly string[], created: ReadonlySet<string>): string[] {
  const referring = statements.filter((each) => /^(?:CREATE|ALTER) /i.test(each));
  const tables = referring.flatMap((each) =>
    [...each.matchAll(REFERENCES)].map(({ groups }) => groups?.["table"] ?? ""),
  );
  const [, ...others] = new Set(tables.filter((table) => !created.has(table)));
  return others.map((table) => `a second table locked by a foreign key: ${table}`);
}

function statementsOf(text: string): string[] {
  return splitStatements(text).map((each) => each.replace(COMMENTS, "").trim());
}

function createdBy(statements: readonly string[]): Set<string> {
  return new Set(statements.flatMap((each) => CREATED.exec(each)?.groups?.["table"] ?? []));
}

function lockingOf(statement: string): Locking | undefined {
  for (const [pattern, isExclusive] of HEAVY) {
    const table = pattern.exec(statement)?.groups?.["table"];
    if (table !== undefined) return { table, isExclusive, statement };
  }
  return undefined;
}

const lineOf = (statement: string) => statement.split("\n", 1)[0] ?? "";
