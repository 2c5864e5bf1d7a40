import type { EnrolmentCode } from "@wharf/protocol";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { now } from "../../app/clock.ts";
import { canChange, hub } from "../../app/hub.ts";
import { useQuery } from "../../app/use-query.ts";
import { durationText } from "../../format/times.ts";
import { Copy } from "../../ui/parts.tsx";
import { Loaded } from "../../ui/states.tsx";
import { QrCode } from "./qr-code.tsx";

let codes = 0;

/** Creates a code when a person asks for one, and shows the line to paste on the machine. */
export function JoinDevice({ deviceId }: { deviceId?: string }): JSX.Element {
  const [asked, setAsked] = useState<number | null>(null);
  if (!canChange())
    return (
      <p class="faint">
        Only the admin key creates codes. Sign in with it, or run <code>bun run enrol</code> on the hub.
      </p>
    );
  if (asked !== null)
    return <Code key={asked} id={asked} {...(deviceId === undefined ? {} : { deviceId })} />;
  return (
    <button
      type="button"
      class="primary"
      onClick={() => {
        codes += 1;
        setAsked(codes);
      }}
    >
      Create the line to paste
    </button>
  );
}

function Code({ id, deviceId }: { id: number; deviceId?: string }): JSX.Element {
  const code = useQuery(`enrolment-code ${id}`, () =>
    hub.devices.createCode(deviceId === undefined ? {} : { device_id: deviceId }),
  );
  return (
    <Loaded query={code} rows={2}>
      {(created) => <Line code={created} />}
    </Loaded>
  );
}

function Line({ code: { code, line, expires_at } }: { code: EnrolmentCode }): JSX.Element {
  const leftMs = Date.parse(expires_at) - now.value;
  if (leftMs <= 0)
    return <p class="note warning">The code {code} has expired. Close this and create another line.</p>;
  return (
    <div>
      <p>
        Paste this in a terminal on the machine. It installs the client, enrols the machine and sends what is
        there, newest first.
      </p>
      <pre class="wrapped">{line}</pre>
      <p class="actions">
        <Copy text={line}>Copy the line</Copy>
        <span class="faint">The code works once, for {durationText(leftMs)} more.</span>
      </p>
      {isLoopback() && (
        <p class="note warning">
          The line names {location.hostname}, so it works on the machine of the hub only. For another machine,
          open this page at an address that it reaches, or run <code>bun run enrol</code> on the hub.
        </p>
      )}
      <QrCode text={line} label="The line to paste, as a QR code" />
    </div>
  );
}

function isLoopback(): boolean {
  return ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
}
