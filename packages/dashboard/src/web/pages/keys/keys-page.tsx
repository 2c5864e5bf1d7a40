import type { JSX } from "preact";
import { PageHead } from "../../ui/parts.tsx";

export function KeysPage(): JSX.Element {
  return <PageHead title="Keys" />;
}
