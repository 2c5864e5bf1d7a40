import type { JSX } from "preact";
import { PageHead } from "../../ui/parts.tsx";

export function JobsPage(): JSX.Element {
  return <PageHead title="Jobs" />;
}
