import type { KeyScope } from "@wharf/protocol";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { hub } from "../../app/hub.ts";
import { act } from "../../app/toasts.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { NameForm } from "../../ui/name-form.tsx";
import { Choice } from "../../ui/parts.tsx";

const SCOPES: readonly { value: KeyScope; text: string }[] = [
  { value: "read", text: "read" },
  { value: "ingest", text: "ingest" },
  { value: "admin", text: "admin" },
];

export function CreateKey({
  onCreated,
  onClose,
}: {
  onCreated: (key: string) => void;
  onClose: () => void;
}): JSX.Element {
  const [scope, setScope] = useState<KeyScope>("read");
  async function create(name: string): Promise<void> {
    await act(async () => {
      const { key } = await hub.keys.create({ scope, ...(name.trim() === "" ? {} : { name: name.trim() }) });
      onCreated(key);
    }, "The key is created.");
  }
  return (
    <Dialog title="Create a key" onClose={onClose}>
      <p>For a program or a person. A device gets its own keys when it joins: see Devices.</p>
      <Choice label="Scope" values={SCOPES} value={scope} onChange={setScope} />
      <NameForm placeholder="grafana" action="Create" onSubmit={(name) => void create(name)} />
    </Dialog>
  );
}
