import type { JSX } from "preact";
import { PageHead } from "../../ui/parts.tsx";

export function StoragePage(): JSX.Element {
  return <PageHead title="Storage" />;
}
