import { HubError } from "@wharf/client";
import type { SearchResult } from "@wharf/protocol";
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { now } from "../../app/clock.ts";
import { hub } from "../../app/hub.ts";
import { query, setQuery } from "../../app/router.ts";
import { type KeptPages, useKept } from "../../app/use-kept.ts";
import { useModels } from "../../app/use-models.ts";
import { usePages } from "../../app/use-pages.ts";
import { usePlaces } from "../../app/use-places.ts";
import { startOfDay } from "../../format/days.ts";
import { PageHead } from "../../ui/parts.tsx";
import { moveFocus, Rows } from "../../ui/rows.tsx";
import { SearchBox } from "../../ui/search-box.tsx";
import { suggestFilters } from "../../ui/suggest.ts";
import { NoResults, SearchHelp } from "./search-help.tsx";
import { RESULT_HEIGHT, Result, tierText } from "./search-result.tsx";
import { searchWords } from "./search-words.ts";

/** A search that takes longer than this is said to be slow. */
const SLOW_MS = 1_000;

/** Sessions by what was written, run and printed in them. */
export function SearchPage(): JSX.Element {
  const q = query.value.get("q")?.trim() ?? "";
  const list = useRef<HTMLDivElement>(null);
  const isEntered = useRef(false);
  const pages = usePages(`search ${q}`, (cursor) => readResults(q, cursor));
  const kept = useKept(pages);
  const isWaiting = pages.items === null && pages.error === null;
  const toResults = () => moveFocus(list.current, 1);

  useEffect(() => {
    if (isEntered.current && pages.items !== null) {
      isEntered.current = false;
      toResults();
    }
  }, [pages.items]);

  return (
    <>
      <PageHead
        title="Search"
        note="Prompts, answers, commands, paths, output, titles and commits of all machines."
      />
      <Box
        text={q}
        onDown={toResults}
        onSearch={(text, entered) => {
          if (text !== q) setQuery({ q: text });
          if (!entered) return;
          if (text === q && pages.items !== null) toResults();
          else isEntered.current = true;
        }}
      />
      {q === "" ? (
        <SearchHelp />
      ) : (
        <div ref={list} aria-busy={isWaiting} class={isWaiting ? "results outdated" : "results"}>
          {isWaiting && <Slow key={q} />}
          <Results
            q={q}
            pages={kept}
            isWaiting={isWaiting}
            isNewestOnly={pages.first?.isNewestOnly === true}
          />
        </div>
      )}
    </>
  );
}

async function readResults(q: string, cursor: string | null) {
  if (q === "") return { items: [], next: null, isNewestOnly: false };
  const { results, next_cursor, is_newest_only } = await hub.search({
    q,
    ...(cursor === null ? {} : { cursor }),
  });
  return { items: results, next: next_cursor, isNewestOnly: is_newest_only };
}

function Box({
  text,
  onSearch,
  onDown,
}: {
  text: string;
  onSearch: (text: string, isEntered: boolean) => void;
  onDown: () => void;
}): JSX.Element {
  const places = usePlaces();
  const models = useModels();
  const today = startOfDay(now.value).getTime();
  const words = searchWords(places, models, today);
  return (
    <SearchBox
      isFocused
      label="Search"
      placeholder="Words, “a phrase”, -word, tool:Bash, file:src/app.ts …"
      text={text}
      onSearch={onSearch}
      onDown={onDown}
      suggest={(typed) => suggestFilters(typed, words)}
    />
  );
}

function Results({
  q,
  pages,
  isWaiting,
  isNewestOnly,
}: {
  q: string;
  pages: KeptPages<SearchResult>;
  isWaiting: boolean;
  isNewestOnly: boolean;
}): JSX.Element {
  const { error, items, loadMore } = pages;
  if (error instanceof HubError && error.status === 400)
    return (
      <p class="note warning" role="alert">
        <strong>The search cannot be read.</strong> {error.message.replace(/^\/?q:? /, "")}
      </p>
    );
  return (
    <>
      {isNewestOnly && (
        <p class="faint">
          More than 1,000 messages match: the newest were ranked. Add a word or a filter to find older ones.
        </p>
      )}
      <p class="visually-hidden" role="status">
        {!isWaiting &&
          items !== null &&
          `${items.length}${loadMore === null ? "" : " or more"} sessions found`}
      </p>
      <Rows
        label="Results"
        pages={pages}
        rowHeight={RESULT_HEIGHT}
        keyOf={({ session }) => session.id}
        groupOf={({ tier }) => tierText(tier)}
        row={(result) => <Result result={result} />}
        empty={isWaiting ? null : <NoResults q={q} />}
      />
    </>
  );
}

function Slow(): JSX.Element | null {
  const [isSlow, setIsSlow] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setIsSlow(true), SLOW_MS);
    return () => clearTimeout(timer);
  }, []);
  return isSlow ? (
    <p class="note" role="status">
      Still searching. A filter such as <code>workspace:</code> or <code>after:</code> makes it faster.
    </p>
  ) : null;
}
