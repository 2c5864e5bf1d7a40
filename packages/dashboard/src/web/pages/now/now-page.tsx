import type { JSX } from "preact";
import { PageHead } from "../../ui/parts.tsx";

export function NowPage(): JSX.Element {
  return <PageHead title="Now" />;
}
