import type { JSX } from "preact";
import { href } from "../app/router.ts";

const FORMATS = [
  ["json", "JSON"],
  ["markdown", "Markdown"],
  ["tar", "tar"],
] as const;

/** Downloads from an address of the hub, one for each format; the hub names the files. */
export function ExportLinks({
  path,
  parameters = {},
}: {
  path: string;
  parameters?: Readonly<Record<string, string>>;
}): JSX.Element {
  return (
    <span class="export">
      Export{" "}
      {FORMATS.map(([format, name]) => (
        <a key={format} download href={href(path, { ...parameters, format })}>
          {name}
        </a>
      ))}
    </span>
  );
}
