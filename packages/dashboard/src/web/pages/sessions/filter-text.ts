import type { Lifecycle } from "@wharf/protocol";
import { liveStateOfText, liveStateText, SHOWN_STATES } from "@wharf/protocol/state-words";
import { deviceNames, type Places, workspaceNames } from "../../app/use-places.ts";
import { filterText } from "../../ui/suggest.ts";
import type { FilterName, Filters } from "./filters.ts";

/** The words of the search box for filters that the address has by itself; all others are part of `q`. */
const WORDS: Readonly<Record<string, FilterName>> = {
  workspace: "workspace_id",
  repository: "workspace_id",
  device: "device_id",
  agent: "agent",
  state: "live_state",
  lifecycle: "lifecycle",
  tag: "tag",
  days: "days",
  after: "after",
  before: "before",
};
const SHOWN_WORDS = Object.entries(WORDS).filter(([word]) => word !== "repository");
const LIFECYCLES: readonly Lifecycle[] = [
  "detected",
  "capturing",
  "ended",
  "parsed",
  "summarized",
  "archived",
  "failed",
];
/** A part of a query, as the server reads it. */
const PART = /-?(?:([a-z]+):)?(?:"([^"]*)"?|(\S+))/g;

/** Reads the search box. Words that have no filter, an unknown value, or a second one stay in `q`. */
export function filtersOfText(text: string, places: Places | null): Filters {
  const filters: Filters = {};
  const rest: string[] = [];
  for (const [part, word = "", quoted, plain = ""] of text.matchAll(PART)) {
    const name = part.startsWith("-") ? undefined : WORDS[word];
    const value = name === undefined ? null : idOrWord(name, quoted ?? plain, places);
    if (name === undefined || value === null || filters[name] !== undefined) rest.push(part);
    else filters[name] = value;
  }
  const q = rest.join(" ");
  return q === "" ? filters : { ...filters, q };
}

/** The text of the search box for these filters. */
export function textOf(filters: Filters, places: Places | null): string {
  const parts = SHOWN_WORDS.flatMap(([word, name]) => {
    const value = filters[name];
    return value === undefined ? [] : [filterText(word, nameOf(name, value, places))];
  });
  return [...parts, ...(filters.q === undefined ? [] : [filters.q])].join(" ");
}

/** Null: this filter cannot have it. */
function idOrWord(name: FilterName, text: string, places: Places | null): string | null {
  const wanted = text.toLowerCase();
  if (text === "") return null;
  if (name === "device_id")
    return only(
      places?.devices.filter(
        ({ id, name: shown }) => [id, shown.toLowerCase()].includes(wanted) || id === text,
      ),
    );
  if (name === "workspace_id")
    return only(
      places?.workspaces.filter(
        ({ id, canonical_id, display_name }) =>
          [display_name.toLowerCase(), canonical_id.toLowerCase()].includes(wanted) || id === text,
      ),
    );
  if (name === "live_state") return statesOf(wanted);
  if (name === "lifecycle") return everyOf(wanted, LIFECYCLES);
  if (name === "days") return /^[1-9]\d{0,3}$/.test(text) ? text : null;
  if (name === "after" || name === "before") return /^\d{4}-\d\d-\d\d/.test(text) ? text : null;
  return text;
}

function only(found: readonly { id: string }[] = []): string | null {
  return found.length === 1 ? (found[0]?.id ?? null) : null;
}

function statesOf(text: string): string | null {
  const states = text.split(",").map(liveStateOfText);
  return states.includes(null) ? null : states.join();
}

function everyOf(text: string, known: readonly string[]): string | null {
  return text.split(",").every((word) => known.includes(word)) ? text : null;
}

function nameOf(name: FilterName, value: string, places: Places | null): string {
  if (name === "live_state") return value.split(",").map(stateText).join();
  if (places === null) return value;
  if (name === "device_id") return deviceNames(places).get(value) ?? value;
  if (name === "workspace_id") return workspaceNames(places).get(value) ?? value;
  return value;
}

/** An address can hold what is no state. */
function stateText(name: string): string {
  const state = SHOWN_STATES.find((one) => one === name);
  return state === undefined ? name : liveStateText(state);
}
