import type { JSX } from "preact";
import { PageHead } from "../../ui/parts.tsx";

export function DevicesPage(): JSX.Element {
  return <PageHead title="Devices" />;
}
