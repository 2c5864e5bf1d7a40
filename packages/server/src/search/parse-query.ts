import { DOCUMENT_KINDS, type DocumentKind } from "./document-kinds.ts";
import { splitText, type Token } from "./split-text.ts";

/** A word of a query, which may be a name or a path, or a phrase in quotes. */
export type QueryTerm = {
  text: string;
  tokens: Token[];
  isPhrase: boolean;
  /** It is being typed: words that begin with it are found, too. */
  isBeginning?: boolean;
};

/** Of several values of one filter, a document has one. */
export type QueryFilters = {
  tool: string[];
  file: string[];
  device: string[];
  workspace: string[];
  agent: string[];
  model: string[];
  is: DocumentKind[];
  hasError: boolean;
  /** ISO 8601; exclusive. */
  after: string | null;
  before: string | null;
};

export type SearchQuery = {
  terms: QueryTerm[];
  filters: QueryFilters;
  /** Written with `-`: what a document must not have. Their filters have no file, after and before. */
  excluded: { terms: QueryTerm[]; filters: QueryFilters };
};

/** A filter that cannot be excluded, or a value that it cannot have; the message names what can be written. */
export class QueryError extends Error {}

/** Of a longer query the first characters and terms are read: what a person looks for is in them. */
const QUERY_CHARACTERS_MAX = 10_000;
const TERMS_MAX = 24;
const SHOWN_CHARACTERS_MAX = 60;

/** `-"a phrase"`, `tool:Bash`, `file:"my file"`, `word`. */
const PART = /(-?)(?:([a-z]+):)?(?:"([^"]*)"?|(\S+))/g;
const LIST_FILTERS = ["tool", "file", "device", "workspace", "agent", "model"] as const;
type ListFilter = (typeof LIST_FILTERS)[number];
const DATE = /^\d{4}-\d{2}-\d{2}(?:T[\d:.]+(?:Z|[+-]\d{2}:\d{2})?)?$/;

/** Words of a question that most texts have. They count in phrases, and in a query that has no other words. */
const STOP_WORDS = new Set(
  `a about again all also am an and any are as at be because been but by can could did do does doing don for from get got had has
  have he her here him his how i if in into is it its just let me my no not of on once one or our out over own s she should so some
  such t than that the their them then there these they this those through to too up us very was we were what when where which
  while who whom why will with would you your`.split(/\s+/),
);

/** Reads a query. Never throws for its words; QueryError for a filter with a value that it cannot have. */
export function parseQuery(text: string): SearchQuery {
  const query = { terms: [] as QueryTerm[], filters: emptyFilters() };
  const excluded: SearchQuery["excluded"] = { terms: [], filters: emptyFilters() };
  for (const [, minus, name = "", phrase, word = ""] of text.slice(0, QUERY_CHARACTERS_MAX).matchAll(PART)) {
    const value = phrase ?? word;
    const into = minus === "" ? query : excluded;
    if (into === excluded) refuseExclusion(name);
    if (value !== "" && addFilter(into.filters, name, value)) continue;
    const written = name === "" || isFilter(name) ? value : `${name}:${value}`;
    const term = { text: written, tokens: splitText(written), isPhrase: phrase !== undefined };
    if (term.tokens.length > 0) into.terms.push(term);
  }
  const { terms, filters } = query;
  return {
    terms: meaningful(terms),
    filters,
    excluded: { ...excluded, terms: excluded.terms.slice(0, TERMS_MAX) },
  };
}

function refuseExclusion(name: string): void {
  if (name === "file")
    throw new QueryError("-file: is not supported. Exclude words instead, such as -cookie");
  if (name === "after" || name === "before")
    throw new QueryError(
      `-${name}: is not supported. Write ${name === "after" ? "before" : "after"}: instead`,
    );
}

function emptyFilters(): QueryFilters {
  return {
    tool: [],
    file: [],
    device: [],
    workspace: [],
    agent: [],
    model: [],
    is: [],
    hasError: false,
    after: null,
    before: null,
  };
}

function isFilter(name: string): boolean {
  return isListFilter(name) || ["is", "has", "after", "before"].includes(name);
}

function isListFilter(name: string): name is ListFilter {
  return LIST_FILTERS.some((filter) => filter === name);
}

/** False: it is no filter but a part of the text, such as `std::vector` or `error:`. */
function addFilter(filters: QueryFilters, name: string, value: string): boolean {
  if (isListFilter(name)) filters[name].push(value);
  else if (name === "is") filters.is.push(kindOf(value));
  else if (name === "has") filters.hasError = readHas(value);
  else if (name === "after" || name === "before") filters[name] = readTime(name, value);
  else return false;
  return true;
}

/** Of a value that is refused, so much that its writer recognizes it. */
function shown(value: string): string {
  return value.slice(0, SHOWN_CHARACTERS_MAX);
}

function kindOf(value: string): DocumentKind {
  const kind = DOCUMENT_KINDS.find((known) => known === value.toLowerCase());
  if (kind === undefined)
    throw new QueryError(`is:${shown(value)} is unknown. Write is: with one of ${DOCUMENT_KINDS.join(", ")}`);
  return kind;
}

function readHas(value: string): true {
  if (value.toLowerCase() !== "error")
    throw new QueryError(`has:${shown(value)} is unknown. Write has:error`);
  return true;
}

function readTime(name: string, value: string): string {
  const time = DATE.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(time)) {
    const examples = `${name}:2026-03-14 or ${name}:2026-03-14T10:00:00Z`;
    throw new QueryError(`${name}:${shown(value)} is no date. Write it as ${examples}`);
  }
  return new Date(time).toISOString();
}

/** Without repeated terms, and without stop words if there are others. */
function meaningful(terms: readonly QueryTerm[]): QueryTerm[] {
  const distinct = [
    ...new Map(terms.map((term) => [`${term.isPhrase} ${term.text.toLowerCase()}`, term])).values(),
  ];
  const telling = distinct.filter(({ isPhrase, tokens }) => isPhrase || !tokens.every(isStopWord));
  return (telling.length > 0 ? telling : distinct).slice(0, TERMS_MAX);
}

function isStopWord({ atoms }: Token): boolean {
  return atoms.every(({ lexeme }) => STOP_WORDS.has(lexeme));
}
