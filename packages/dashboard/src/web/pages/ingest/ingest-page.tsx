import type { JSX } from "preact";
import { PageHead } from "../../ui/parts.tsx";

export function IngestPage(): JSX.Element {
  return <PageHead title="Ingest" />;
}
