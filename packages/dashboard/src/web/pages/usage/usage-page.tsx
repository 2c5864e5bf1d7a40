import type { JSX } from "preact";
import { PageHead } from "../../ui/parts.tsx";

export function UsagePage(): JSX.Element {
  return <PageHead title="Usage" />;
}
