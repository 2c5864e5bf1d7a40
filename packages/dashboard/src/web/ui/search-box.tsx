import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useShortcuts } from "../app/shortcuts.ts";

/** Between the last key and the search. */
const TYPING_MS = 300;

/**
 * A search box that searches while a person types. `isSame` tells whether what is typed means `text`: only if not, the address changed by other
 * means, and the box shows it.
 */
export function SearchBox({
  label,
  placeholder,
  text,
  isSame = (typed) => typed.trim() === text,
  onSearch,
  isFocused = false,
  suggestions = [],
}: {
  label: string;
  placeholder: string;
  text: string;
  isSame?: (typed: string) => boolean;
  onSearch: (text: string) => void;
  /** Takes the focus when the page opens. */
  isFocused?: boolean;
  /** Whole texts that the browser offers. */
  suggestions?: readonly string[];
}): JSX.Element {
  const [typed, setTyped] = useState(text);
  const input = useRef<HTMLInputElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => {
    if (!isSame(typed)) setTyped(text);
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

  function search(value: string): void {
    clearTimeout(timer.current);
    onSearch(value.trim());
  }

  return (
    <search class="search-box">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          search(typed);
        }}
      >
        <input
          ref={input}
          type="search"
          aria-label={label}
          placeholder={placeholder}
          autocomplete="off"
          spellcheck={false}
          list={suggestions.length > 0 ? "search-suggestions" : undefined}
          value={typed}
          onInput={(event) => {
            const { value } = event.currentTarget;
            setTyped(value);
            clearTimeout(timer.current);
            timer.current = setTimeout(() => search(value), TYPING_MS);
          }}
          onKeyDown={(event) => {
            if (event.key === "Escape" && typed === "") input.current?.blur();
          }}
        />
        <kbd class="search-key">{isFocused ? "Ctrl/⌘ K" : "/"}</kbd>
        {suggestions.length > 0 && (
          <datalist id="search-suggestions">
            {suggestions.map((suggestion) => (
              <option key={suggestion} value={suggestion} />
            ))}
          </datalist>
        )}
      </form>
    </search>
  );
}
