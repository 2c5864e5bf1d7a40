import type { SessionDetail } from "@wharf/protocol";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { setQuery } from "../../app/router.ts";
import { countText } from "../../format/numbers.ts";
import { LineCounts, useSessionFiles } from "./changes.tsx";

const SHOWN = 12;

/** What its calls wrote most, then what they read. */
export function FileList({ session }: { session: SessionDetail }): JSX.Element {
  const { items, error, loadMore } = useSessionFiles(session.id, session.updated_at);
  const [isWhole, setIsWhole] = useState(false);
  const sorted = (items ?? []).toSorted((a, b) => b.writes - a.writes || b.reads - a.reads);
  const left = sorted.length - SHOWN;
  return (
    <>
      <h2>Files</h2>
      {error !== null && <p class="faint">{error.message}</p>}
      {items?.length === 0 && <p class="faint">No call read or wrote one.</p>}
      <ul class="plain">
        {sorted.slice(0, isWhole ? undefined : SHOWN).map((file) => (
          <li key={file.path} class="file-line">
            {file.writes > 0 ? (
              <button
                type="button"
                class="link mono cut"
                title={file.path}
                onClick={() => setQuery({ show: "diff", file: file.path })}
              >
                {nameOf(file.path)}
              </button>
            ) : (
              <span class="mono cut" title={file.path}>
                {nameOf(file.path)}
              </span>
            )}
            <LineCounts file={file} />
          </li>
        ))}
      </ul>
      {left > 0 && !isWhole && (
        <button type="button" class="link" onClick={() => setIsWhole(true)}>
          {`${countText(left)}${loadMore === null ? "" : "+"} more`}
        </button>
      )}
      {isWhole && loadMore !== null && (
        <button type="button" class="link" onClick={loadMore}>
          Show more
        </button>
      )}
    </>
  );
}

function nameOf(path: string): string {
  return path.split("/").slice(-2).join("/");
}
