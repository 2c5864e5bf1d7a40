import type { JSX } from "preact";
import { PageHead } from "../../ui/parts.tsx";

export function SessionsPage(): JSX.Element {
  return <PageHead title="Sessions" />;
}
