import type { JSX } from "preact";
import { counted } from "../format/numbers.ts";

/** What arrived meanwhile waits behind a button, so that no row moves under the pointer. */
export function NewRows({
  count,
  one,
  many,
  onShow,
}: {
  count: number;
  one: string;
  many?: string;
  onShow: () => void;
}): JSX.Element {
  return (
    <div class="new-rows" role="status">
      {count > 0 && (
        <button type="button" class="primary" onClick={onShow}>
          Show {counted(count, one, many)}
        </button>
      )}
    </div>
  );
}
