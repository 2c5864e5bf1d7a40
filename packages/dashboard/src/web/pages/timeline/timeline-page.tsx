import type { JSX } from "preact";
import { PageHead } from "../../ui/parts.tsx";

export function TimelinePage(): JSX.Element {
  return <PageHead title="Timeline" />;
}
