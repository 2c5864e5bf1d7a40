import type { JSX } from "preact";
import { PageHead } from "../../ui/parts.tsx";

export function RepositoriesPage(): JSX.Element {
  return <PageHead title="Repositories" />;
}
