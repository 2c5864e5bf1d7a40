import type { JSX } from "preact";

/** A path that is cut at its beginning where it is too long: its end names the file. */
export function Path({ path }: { path: string }): JSX.Element {
  return (
    <span class="path mono cut" title={path}>
      <bdi dir="ltr">{path}</bdi>
    </span>
  );
}
