import type { JSX } from "preact";
import { href } from "../../app/router.ts";
import { Empty } from "../../ui/states.tsx";

const EXAMPLES: readonly { q: string; means: string }[] = [
  { q: "retry payment", means: "both words, in any form; then some of them" },
  { q: '"connection refused"', means: "this phrase" },
  { q: "fetchUser -test", means: "a name, without another word" },
  { q: "tool:Bash make", means: "commands" },
  { q: "file:src/app.ts", means: "sessions that touched a file" },
  { q: "is:prompt cart", means: "what people asked" },
  { q: "has:error timeout", means: "calls that failed" },
];
const FILTER = /(?:^|\s)-?[a-z]+:(?:"[^"]*"?|\S+)/g;

/** What can be typed, each a search by itself. */
export function SearchHelp(): JSX.Element {
  return (
    <dl class="search-help">
      {EXAMPLES.map(({ q, means }) => (
        <div key={q}>
          <dt>
            <a href={href("/search", { q })}>
              <code>{q}</code>
            </a>
          </dt>
          <dd class="faint">{means}</dd>
        </div>
      ))}
    </dl>
  );
}

/** What can be changed so that something is found. */
export function NoResults({ q }: { q: string }): JSX.Element {
  const withoutFilters = q.replaceAll(FILTER, " ").trim();
  const withoutQuotes = q.replaceAll('"', "");
  const withoutExclusions = q.replaceAll(/(?:^|\s)-\S+/g, " ").trim();
  const others = [
    { text: "without filters", changed: withoutFilters },
    { text: "without quotes, for the words in any order", changed: withoutQuotes },
    { text: "without excluded words", changed: withoutExclusions },
  ].filter(({ changed }) => changed !== "" && changed !== q);
  return (
    <Empty title="No session matches.">
      {others.length === 0 ? (
        <p>Try fewer or other words: a part of a name, a path, or an error message.</p>
      ) : (
        <ul class="plain">
          {others.map(({ text, changed }) => (
            <li key={text}>
              Search <a href={href("/search", { q: changed })}>{text}</a>
            </li>
          ))}
        </ul>
      )}
    </Empty>
  );
}
