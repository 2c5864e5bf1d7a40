import type { Device } from "@wharf/protocol";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { canChange, hub } from "../../app/hub.ts";
import { go } from "../../app/router.ts";
import { act } from "../../app/toasts.tsx";
import { ConfirmButton, Dialog } from "../../ui/dialog.tsx";
import { NameForm } from "../../ui/name-form.tsx";
import { JoinDevice } from "./join-device.tsx";

/** Rename, enrol again, remove; with the admin key only. */
export function DeviceActions({
  device,
  onChange,
}: {
  device: Device;
  onChange: () => void;
}): JSX.Element | null {
  const [shown, setShown] = useState<"rename" | "enrol" | null>(null);
  const close = () => setShown(null);
  if (!canChange()) return null;

  async function remove(): Promise<void> {
    if (await act(() => hub.devices.remove(device.id), `${device.name} is removed.`)) go("/devices");
  }

  return (
    <>
      <button type="button" onClick={() => setShown("rename")}>
        Rename
      </button>
      <button type="button" onClick={() => setShown("enrol")}>
        Enrol again
      </button>
      <ConfirmButton
        text="Remove"
        class="danger"
        title={`Remove ${device.name}?`}
        action="Remove the device"
        onConfirm={() => void remove()}
      >
        <p>Its keys are revoked at once, so that it can send nothing more. Its sessions and events remain.</p>
      </ConfirmButton>
      {shown === "rename" && <Rename device={device} onChange={onChange} onClose={close} />}
      {shown === "enrol" && (
        <Dialog title={`Enrol ${device.name} again`} onClose={close}>
          <JoinDevice deviceId={device.id} />
        </Dialog>
      )}
    </>
  );
}

function Rename({
  device,
  onChange,
  onClose,
}: {
  device: Device;
  onChange: () => void;
  onClose: () => void;
}): JSX.Element {
  async function save(name: string): Promise<void> {
    if (!(await act(() => hub.devices.rename(device.id, name), `The device is named ${name}.`))) return;
    onChange();
    onClose();
  }
  return (
    <Dialog title="Rename the device" onClose={onClose}>
      <NameForm name={device.name} action="Save" onSubmit={(name) => void save(name)} />
    </Dialog>
  );
}
