import type { JSX } from "preact";
import { PageHead } from "../../ui/parts.tsx";

export function GalleryPage(): JSX.Element {
  return <PageHead title="Gallery" />;
}
