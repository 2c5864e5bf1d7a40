import type { JSX } from "preact";
import { Dialog } from "../ui/dialog.tsx";
import { activeShortcuts } from "./shortcuts.ts";

/** The keys that work on the page shown. */
export function ShortcutList({ onClose }: { onClose: () => void }): JSX.Element {
  return (
    <Dialog title="Shortcuts" onClose={onClose}>
      <dl class="keys">
        {activeShortcuts().map(({ keys, label }) => (
          <div key={keys}>
            <dt>
              <kbd>{keys.replace("mod+", "Ctrl/⌘ ")}</kbd>
            </dt>
            <dd>{label}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
