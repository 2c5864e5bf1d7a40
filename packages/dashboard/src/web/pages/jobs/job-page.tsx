import type { JSX } from "preact";
import { PageHead } from "../../ui/parts.tsx";

export function JobPage(): JSX.Element {
  return <PageHead title="Job" />;
}
