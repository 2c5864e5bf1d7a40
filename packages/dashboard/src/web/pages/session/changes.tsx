import type { SessionFile } from "@wharf/protocol";
import type { JSX } from "preact";
import { hub } from "../../app/hub.ts";
import { query } from "../../app/router.ts";
import { type PagesState, usePages } from "../../app/use-pages.ts";
import { useQuery } from "../../app/use-query.ts";
import { counted, countText } from "../../format/numbers.ts";
import { Diff } from "../../text/diff.tsx";
import { Empty, ErrorNote, Loaded, Skeleton } from "../../ui/states.tsx";
import { showMessage } from "./places.ts";

const FILES_OPEN_MAX = 3;
const HUNK_LINES = 40;

/** What the session's calls changed, file by file. What a command changes is not known. */
export function Changes({ sessionId, updatedAt }: { sessionId: string; updatedAt: string }): JSX.Element {
  const { items, error, reload, loadMore } = useSessionFiles(sessionId, updatedAt);
  const wanted = query.value.get("file");
  if (items === null) return error === null ? <Skeleton /> : <ErrorNote error={error} onRetry={reload} />;
  const written = items.filter(({ writes }) => writes > 0);
  return (
    <section aria-label="Changes by file">
      <p class="faint">As the inputs of its calls show them; what commands change is not among them.</p>
      {written.length === 0 && loadMore === null && <Empty title="No call of this session wrote a file." />}
      {written.map((file, index) => (
        <FileChanges
          key={file.path}
          sessionId={sessionId}
          file={file}
          isOpen={wanted === null ? index < FILES_OPEN_MAX : wanted === file.path}
        />
      ))}
      {error !== null && <ErrorNote error={error} onRetry={loadMore ?? reload} />}
      {loadMore !== null && (
        <button type="button" class="more" onClick={loadMore}>
          More files
        </button>
      )}
    </section>
  );
}

/** By path. */
export function useSessionFiles(sessionId: string, updatedAt: string): PagesState<SessionFile> {
  return usePages<SessionFile>(`files ${sessionId} ${updatedAt}`, async (cursor) => {
    const page = await hub.sessions.files(sessionId, { limit: 200, ...(cursor === null ? {} : { cursor }) });
    return { items: page.files, next: page.next_cursor };
  });
}

function FileChanges({
  sessionId,
  file,
  isOpen,
}: {
  sessionId: string;
  file: SessionFile;
  isOpen: boolean;
}): JSX.Element {
  return (
    <details class="file" open={isOpen}>
      <summary>
        <span class="mono">{file.path}</span> <LineCounts file={file} />
      </summary>
      <Hunks sessionId={sessionId} path={file.path} />
    </details>
  );
}

function Hunks({ sessionId, path }: { sessionId: string; path: string }): JSX.Element {
  const changes = useQuery(`changes ${sessionId} ${path}`, async () => {
    const { files } = await hub.sessions.files(sessionId, { path });
    return files[0]?.hunks ?? [];
  });
  return (
    <Loaded query={changes} rows={2}>
      {(hunks) =>
        hunks.map(({ call_id, diff, is_cut, message_id }) => (
          <div key={call_id}>
            {diff === null ? (
              <p class="faint">The call's input does not show the change, or is very long.</p>
            ) : (
              <Diff text={diff} lines={HUNK_LINES} />
            )}
            {is_cut && diff !== null && <p class="faint">The change is longer than this.</p>}
            {message_id !== null && (
              <button type="button" class="link" onClick={() => showMessage(message_id)}>
                Show the call
              </button>
            )}
          </div>
        ))
      }
    </Loaded>
  );
}

/** Lines that were added and removed, or how often a file was read. */
export function LineCounts({ file: { writes, reads, added, removed } }: { file: SessionFile }): JSX.Element {
  if (writes === 0) return <span class="faint">{counted(reads, "read")}</span>;
  return (
    <span class="number">
      {added !== null && <span class="added">+{countText(added)}</span>}{" "}
      {removed !== null && <span class="removed">−{countText(removed)}</span>}
    </span>
  );
}
