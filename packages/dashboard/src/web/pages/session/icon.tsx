import type { JSX } from "preact";
import type { IconName } from "./calls.ts";

const PATHS: Readonly<Record<IconName, string>> = {
  terminal: "M2 3h12v10H2zM4.5 6l2 2-2 2M8 10.5h3.5",
  file: "M4 2h5l3 3v9H4zM9 2v3h3M6 8h4M6 11h4",
  pencil: "M3 13l1-3.5L11 2.5 13.5 5 6.5 12zM9.5 4 12 6.500",
  search: "M7 3a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM10 10l3.500 3.500",
  web: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2zM2 8h12M8 2c-4 4-4 8 0 12M8 2c4 4 4 8 0 12",
  agent: "M3 6h10v7H3zM8 3v3M6 9v1M10 9v1",
  list: "M3 4h1M6 4h7M3 8h1M6 8h7M3 12h1M6 12h7",
  plug: "M6 2v3M10 2v3M4 5h8v3a4 4 0 0 1-8 0zM8 12v2",
};

/** The icon of a call, 16 px wide. Assistive technology reads the verb next to it instead. */
export function Icon({ name }: { name: IconName }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
