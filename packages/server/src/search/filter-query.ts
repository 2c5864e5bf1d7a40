import type { Sql } from "../db/postgres.ts";
import { findDeviceIds, findSessionsOfFile, findWorkspaceIds } from "../db/search/filters.ts";
import { type FilterName, filterLexeme, quoted } from "./lexemes.ts";
import type { QueryFilters, SearchQuery } from "./parse-query.ts";
import { splitText } from "./split-text.ts";
import { allOf, anyOf, exactly, loosely, noneOf, type TsQuery } from "./tsquery.ts";

export type ResolvedFilters = {
  /** Of a tsquery; empty without filters. */
  parts: TsQuery[];
  /** Of each filter the lexemes of which a document has one. */
  lexemes: string[][];
  after: string | null;
  before: string | null;
  sessions: string[] | null;
};

/** A lexeme that no document has. */
const NOTHING = filterLexeme("is", "nothing");

/** The filters and excluded words of a query, with names of workspaces and devices as ids. */
export async function resolveFilters(sql: Sql, { filters, excluded }: SearchQuery): Promise<ResolvedFilters> {
  const { after, before } = filters;
  const [lexemes, excludedLexemes, sessions] = await Promise.all([
    lexemesOf(sql, filters),
    lexemesOf(sql, excluded.filters),
    sessionsOfFiles(sql, filters.file),
  ]);
  const parts = [
    ...partsOf(lexemes, filters),
    ...noneOf([...excluded.terms.map(exactly), ...partsOf(excludedLexemes, excluded.filters)]),
  ];
  return { parts, lexemes, after, before, sessions };
}

async function lexemesOf(sql: Sql, { workspace, device, ...filters }: QueryFilters): Promise<string[][]> {
  const [workspaces, devices] = await Promise.all([
    workspace.length === 0 ? null : findWorkspaceIds(sql, workspace),
    device.length === 0 ? null : findDeviceIds(sql, device),
  ]);
  return [
    ...oneOf("workspace", workspaces),
    ...oneOf("device", devices),
    ...oneOf("agent", listed(filters.agent)),
    ...oneOf("tool", listed(filters.tool)),
    ...oneOf("is", listed(filters.is)),
    ...(filters.hasError ? [[filterLexeme("has", "error")]] : []),
  ];
}

function partsOf(lexemes: readonly string[][], { model }: QueryFilters): TsQuery[] {
  return [...lexemes.map((values) => anyOf(values.map(quoted))), ...modelsOf(model)];
}

function listed(values: readonly string[]): string[] | null {
  return values.length === 0 ? null : values.map((value) => value.toLowerCase());
}

function oneOf(name: FilterName, values: readonly string[] | null): string[][] {
  if (values === null) return [];
  return [values.length === 0 ? [NOTHING] : values.map((value) => filterLexeme(name, value))];
}

/** A model by its name or by parts of it: `sonnet-4` is a model with both parts. */
function modelsOf(models: QueryFilters["model"]): TsQuery[] {
  if (models.length === 0) return [];
  const parts = (model: string) =>
    model
      .toLowerCase()
      .split(/[-/.:@\s]+/)
      .filter((part) => part !== "");
  return [
    anyOf(models.map((model) => allOf(parts(model).map((part) => quoted(filterLexeme("model", part)))))),
  ];
}

/** Sessions that touched all of these files. */
async function sessionsOfFiles(sql: Sql, files: readonly string[]): Promise<string[] | null> {
  if (files.length === 0) return null;
  const input = quoted(filterLexeme("is", "tool_input"));
  const found = await Promise.all(
    files.map((file) => {
      const named = loosely({ text: file, tokens: splitText(file), isPhrase: false });
      return findSessionsOfFile(sql, allOf([input, named === "" ? quoted(NOTHING) : named]));
    }),
  );
  const [first = [], ...others] = found.map((ids) => new Set(ids));
  return [...first].filter((id) => others.every((ids) => ids.has(id)));
}
