import type { JSX } from "preact";
import { PageHead } from "../../ui/parts.tsx";

export function DevicePage(): JSX.Element {
  return <PageHead title="Device" />;
}
