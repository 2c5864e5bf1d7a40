import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useShortcuts } from "../app/shortcuts.ts";

/** Between the last key and the search. */
const TYPING_MS = 300;

export type Suggestion = { label: string; text: string };

/** A search box that searches while a person types, with ways to complete what is typed. */
export function SearchBox({
  label,
  placeholder,
  text,
  isSame = (typed) => typed.trim() === text,
  onSearch,
  onDown,
  isFocused = false,
  suggest,
}: {
  label: string;
  placeholder: string;
  text: string;
  /** Whether what is typed means `text`. If not, the address changed by other means, and the box shows it. */
  isSame?: (typed: string) => boolean;
  /** `isEntered`: with the key Enter. */
  onSearch: (text: string, isEntered: boolean) => void;
  /** The key to the first result. */
  onDown: () => void;
  /** Takes the focus when the page opens. */
  isFocused?: boolean;
  suggest: (typed: string) => readonly Suggestion[];
}): JSX.Element {
  const [typed, setTyped] = useState(text);
  const input = useRef<HTMLInputElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => {
    if (isSame(typed)) return;
    clearTimeout(timer.current);
    setTyped(text);
  }, [text]);
  useEffect(() => {
    if (isFocused) input.current?.focus();
    return () => clearTimeout(timer.current);
  }, []);
  const focus = () => input.current?.select();
  useShortcuts([
    { keys: "/", label: "Search", run: focus },
    ...(isFocused ? [{ keys: "mod+k", label: "Search", run: focus }] : []),
  ]);

  function search(value: string, isEntered = false): void {
    clearTimeout(timer.current);
    onSearch(value.trim(), isEntered);
  }

  function type(value: string): void {
    setTyped(value);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => search(value), TYPING_MS);
  }

  return (
    <search class="search-box">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          search(typed, true);
        }}
      >
        <input
          ref={input}
          type="search"
          aria-label={label}
          placeholder={placeholder}
          autocomplete="off"
          spellcheck={false}
          value={typed}
          onInput={(event) => type(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "ArrowDown") onDown();
            if (event.key === "Escape" && typed === "") input.current?.blur();
          }}
        />
        <kbd class="search-key">{isFocused ? "Ctrl/⌘ K" : "/"}</kbd>
      </form>
      <Suggestions
        suggestions={suggest(typed)}
        onChoose={(chosen) => {
          type(chosen);
          input.current?.focus();
        }}
      />
    </search>
  );
}

function Suggestions({
  suggestions,
  onChoose,
}: {
  suggestions: readonly Suggestion[];
  onChoose: (text: string) => void;
}): JSX.Element | null {
  if (suggestions.length === 0) return null;
  return (
    <ul class="suggestions" aria-label="Filters">
      {suggestions.map(({ label, text }) => (
        <li key={label}>
          <button type="button" class="small" onClick={() => onChoose(text)}>
            {label}
          </button>
        </li>
      ))}
    </ul>
  );
}
