import type { JSX } from "preact";
import { PageHead } from "../../ui/parts.tsx";

export function SearchPage(): JSX.Element {
  return <PageHead title="Search" />;
}
