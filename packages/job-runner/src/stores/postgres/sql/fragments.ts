import type { PendingQuery, Row } from "postgres";
import type { PostgresClient } from "../../../contract/driver.ts";
import { type Instant, instantText } from "../../../contract/instant.ts";

/** A statement that is sent when it is awaited. */
export type Query<Rows extends readonly object[]> = PendingQuery<Rows>;
/** A part of a statement. */
export type Fragment = PendingQuery<Row[]>;

/** The operation's time: the database's clock unless a test passes one. Cast from text, as a Date loses microseconds. */
export function timeOf(sql: PostgresClient, now: Instant | undefined): Fragment {
  return now === undefined ? sql`now()` : sql`${instantText(now)}::text::timestamptz`;
}

/** An interval of milliseconds. */
export function milliseconds(sql: PostgresClient, ms: number): Fragment {
  return sql`(${ms}::float8 * interval '1 millisecond')`;
}

/** A Postgres array literal of ids. As text it needs no array types fetched by the connection. */
export function idArray(ids: readonly string[]): string {
  return `{${ids.join(",")}}`;
}

/** A Postgres array literal of any text. */
export function textArray(values: readonly string[]): string {
  return `{${values.map((value) => `"${value.replace(/["\\]/g, "\\$&")}"`).join(",")}}`;
}

/** Selects a timestamptz column as ISO text in UTC with microseconds; infinities unchanged. */
export function isoText(sql: PostgresClient, column: string, name: string = column): Fragment {
  return sql`${isoValue(sql, column)} AS ${sql.unsafe(name)}`;
}

/** Like isoText, without a column name. */
export function isoValue(sql: PostgresClient, column: string): Fragment {
  return sql`CASE WHEN isfinite(${sql.unsafe(column)})
    THEN to_char(${sql.unsafe(column)} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    ELSE ${sql.unsafe(column)}::text END`;
}
