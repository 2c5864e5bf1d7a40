import { useState } from "preact/hooks";

export type Selection = {
  /** Of the rows shown, in the order of the list. */
  ids: readonly string[];
  /** Also all rows that are not shown. */
  isWhole: boolean;
  has(id: string): boolean;
  /** `isRange`: with all rows from the one changed last up to this one. */
  toggle(id: string, isRange?: boolean): void;
  selectShown(): void;
  selectWhole(): void;
  clear(): void;
};

type State = { of: string; ids: ReadonlySet<string>; last: string | null; isWhole: boolean };

/** Rows of a list that a person selects for an action. Another list, which has another `key`, begins without any. */
export function useSelection(key: string, shown: readonly string[]): Selection {
  const none: State = { of: key, ids: new Set(), last: null, isWhole: false };
  const [state, setState] = useState(none);
  const { ids, last, isWhole } = state.of === key ? state : none;
  const has = (id: string) => isWhole || ids.has(id);
  const selected = shown.filter(has);

  function rangeTo(id: string): readonly string[] {
    const [from, to] = [shown.indexOf(last ?? id), shown.indexOf(id)];
    return from === -1 ? [id] : shown.slice(Math.min(from, to), Math.max(from, to) + 1);
  }

  function toggle(id: string, isRange = false): void {
    const next = new Set(selected);
    for (const one of isRange ? rangeTo(id) : [id])
      if (has(id)) next.delete(one);
      else next.add(one);
    setState({ of: key, ids: next, last: id, isWhole: false });
  }

  return {
    ids: selected,
    isWhole,
    has,
    toggle,
    selectShown: () => setState({ ...none, ids: new Set(shown) }),
    selectWhole: () => setState({ ...none, isWhole: true }),
    clear: () => setState(none),
  };
}
