import type { JSX } from "preact";
import { PageHead } from "../../ui/parts.tsx";

export function SetupPage(): JSX.Element {
  return <PageHead title="Setup" />;
}
