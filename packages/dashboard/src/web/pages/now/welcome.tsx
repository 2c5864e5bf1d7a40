import type { JSX } from "preact";
import { Empty } from "../../ui/states.tsx";

/** A hub without a device. */
export function Welcome(): JSX.Element {
  return (
    <Empty title="No machine is connected yet.">
      <p>
        <a href="/setup">Connect the first machine</a>: one pasted line installs the client, and the sessions
        of its agents appear here.
      </p>
    </Empty>
  );
}
