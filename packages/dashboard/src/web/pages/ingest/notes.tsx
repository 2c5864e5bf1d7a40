import type { JSX } from "preact";
import { hub } from "../../app/hub.ts";
import { usePages } from "../../app/use-pages.ts";
import { useReload } from "../../app/use-reload.ts";
import { HeldRows } from "../../ui/held.tsx";
import { Age, Badge } from "../../ui/parts.tsx";
import { Empty } from "../../ui/states.tsx";

const ROW_PX = 40;
/** Refused events are no change of the stream. */
export const NOTES_MS = 5_000;

/** Events that were refused, and those that were stored with a note on what is unusual in them. */
export function Notes(): JSX.Element {
  const pages = usePages("ingest-notes", async (cursor) => {
    const { notes, next_cursor } = await hub.ingest.notes({
      limit: 50,
      ...(cursor === null ? {} : { cursor }),
    });
    return { items: notes, next: next_cursor };
  });
  useReload(pages, NOTES_MS);
  return (
    <section aria-labelledby="notes">
      <h2 id="notes">Refused and flagged events</h2>
      <HeldRows
        pages={pages}
        label="Notes"
        rowHeight={ROW_PX}
        keyOf={({ id }) => id}
        empty={<Empty title="No event was refused or flagged." />}
        row={({ kind, detail, device_id, body, created_at }) => (
          <details class="note-row">
            <summary>
              <Badge tone={kind === "rejected" ? "bad" : "quiet"}>{kind.replaceAll("_", " ")}</Badge> {detail}{" "}
              <span class="faint">
                {device_id ?? "unknown device"}, <Age at={created_at} />
              </span>
            </summary>
            {body == null ? (
              <p class="faint">What was sent is shown to admin keys only.</p>
            ) : (
              <pre class="wrapped">{body}</pre>
            )}
          </details>
        )}
      />
    </section>
  );
}
