import type { JSX } from "preact";
import { PageHead } from "../../ui/parts.tsx";

export function RepositoryPage(): JSX.Element {
  return <PageHead title="Repository" />;
}
