import type { JSX } from "preact";
import { PageHead } from "../../ui/parts.tsx";

export function SessionPage(): JSX.Element {
  return <PageHead title="Session" />;
}
