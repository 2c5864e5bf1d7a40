import type { JSX } from "preact";
import { PageHead } from "../../ui/parts.tsx";

export function PricesPage(): JSX.Element {
  return <PageHead title="Prices" />;
}
