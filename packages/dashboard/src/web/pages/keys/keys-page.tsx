import type { ApiKey } from "@wharf/protocol";
import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { now } from "../../app/clock.ts";
import { canChange, hub } from "../../app/hub.ts";
import { act } from "../../app/toasts.tsx";
import { usePages } from "../../app/use-pages.ts";
import { deviceNames, usePlaces } from "../../app/use-places.ts";
import { durationText } from "../../format/times.ts";
import { ConfirmButton, Dialog } from "../../ui/dialog.tsx";
import { Age, Badge, Copy, PageHead } from "../../ui/parts.tsx";
import { Rows } from "../../ui/rows.tsx";
import { Empty } from "../../ui/states.tsx";
import { CreateKey } from "./create-key.tsx";
import { KeyAudits } from "./key-audits.tsx";
import { keyName } from "./key-name.ts";

const ROW_PX = 52;

/** The keys of devices, people and programs; admin keys only. */
export function KeysPage(): JSX.Element {
  if (canChange()) return <KeyList />;
  return (
    <>
      <PageHead title="Keys" />
      <Empty title="Keys are shown to admin keys only.">
        <p>Sign in with the admin key to list, create and revoke keys.</p>
      </Empty>
    </>
  );
}

function KeyList(): JSX.Element {
  const [isCreating, setIsCreating] = useState(false);
  const [shownKey, setShownKey] = useState<string | null>(null);
  const places = usePlaces();
  const names = places && deviceNames(places);
  const pages = usePages("keys", async (cursor) => {
    const { keys, next_cursor } = await hub.keys.list({ limit: 100, ...(cursor === null ? {} : { cursor }) });
    return { items: keys, next: next_cursor };
  });
  const show = (key: string) => {
    setIsCreating(false);
    setShownKey(key);
    pages.reload();
  };
  return (
    <>
      <PageHead
        title="Keys"
        note="An ingest key only sends, a read key only reads, an admin key does everything."
      >
        <button type="button" class="primary" onClick={() => setIsCreating(true)}>
          Create a key
        </button>
      </PageHead>
      <Rows
        pages={pages}
        label="Keys"
        rowHeight={ROW_PX}
        keyOf={({ id }) => id}
        row={(key) => (
          <KeyRow
            apiKey={key}
            deviceName={names?.get(key.device_id ?? "")}
            onShow={show}
            onChange={pages.reload}
          />
        )}
        empty={
          <Empty title="No key was created yet.">
            <p>Each device that joins gets its own.</p>
          </Empty>
        }
      />
      <KeyAudits />
      {isCreating && <CreateKey onCreated={show} onClose={() => setIsCreating(false)} />}
      {shownKey !== null && <ShownOnce value={shownKey} onClose={() => setShownKey(null)} />}
    </>
  );
}

function ShownOnce({ value, onClose }: { value: string; onClose: () => void }): JSX.Element {
  return (
    <Dialog title="The new key" onClose={onClose}>
      <p>It is shown this once: the hub keeps only its hash.</p>
      <pre class="wrapped">{value}</pre>
      <Copy text={value}>Copy the key</Copy>
    </Dialog>
  );
}

function KeyRow({
  apiKey,
  deviceName,
  onShow,
  onChange,
}: {
  apiKey: ApiKey;
  /** Of the device that it is bound to, if that is known. */
  deviceName: string | undefined;
  onShow: (key: string) => void;
  onChange: () => void;
}): JSX.Element {
  const { id, scope, device_id, last4, last_used_at, revoked_at, expires_at } = apiKey;
  const isLive = revoked_at === null && (expires_at === null || Date.parse(expires_at) > now.value);
  const called = keyName(apiKey);

  async function rotate(): Promise<void> {
    await act(
      async () => onShow((await hub.keys.rotate(id)).key),
      "The key is rotated; the old one works for a day.",
    );
  }
  async function revoke(): Promise<void> {
    if (await act(() => hub.keys.revoke(id), `${called} is revoked.`)) onChange();
  }

  return (
    <div class="row key-row">
      <span>
        <Badge tone={!isLive ? "quiet" : scope === "admin" ? "needs" : "info"}>{scope}</Badge>
      </span>
      <span class="two-lines">
        <strong class="cut">{called}</strong>
        <span class="faint cut">
          …{last4}
          {device_id !== null && (
            <>
              {" · "}
              <a href={`/devices/${encodeURIComponent(device_id)}`} title={device_id}>
                {deviceName ?? device_id}
              </a>
            </>
          )}
        </span>
      </span>
      <span class="faint">
        used <Age at={last_used_at} />
      </span>
      <span class="faint">
        <KeyEnd apiKey={apiKey} />
      </span>
      <span class="actions">
        {isLive && (
          <>
            <ConfirmButton
              text="Rotate"
              label={`Rotate ${called}`}
              class="small"
              title={`Rotate ${called}?`}
              action="Rotate the key"
              onConfirm={() => void rotate()}
            >
              <p>A new key is shown once. The old one works for one more day.</p>
            </ConfirmButton>
            <ConfirmButton
              text="Revoke"
              label={`Revoke ${called}`}
              class="small danger"
              title={`Revoke ${called}?`}
              action="Revoke the key"
              onConfirm={() => void revoke()}
            >
              <p>Requests with it are refused at once. This cannot be undone.</p>
            </ConfirmButton>
          </>
        )}
      </span>
    </div>
  );
}

/** When it ended, or will. */
function KeyEnd({ apiKey: { revoked_at, expires_at } }: { apiKey: ApiKey }): ComponentChildren {
  if (revoked_at !== null)
    return (
      <>
        revoked <Age at={revoked_at} />
      </>
    );
  if (expires_at === null) return null;
  const leftMs = Date.parse(expires_at) - now.value;
  if (leftMs > 0) return `expires in ${durationText(leftMs)}`;
  return (
    <>
      expired <Age at={expires_at} />
    </>
  );
}
