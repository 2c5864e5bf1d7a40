import type { ComponentChildren, JSX } from "preact";

export type Column<T> = {
  title: string;
  cell: (row: T) => ComponentChildren;
  /** Digits below digits. */
  isNumber?: boolean;
  class?: string;
};

/** A table whose first column names its rows; it scrolls sideways on narrow screens. */
export function Table<T>({
  label,
  columns: [first, ...others],
  rows,
  keyOf,
}: {
  label: string;
  columns: readonly [Column<T>, ...Column<T>[]];
  rows: readonly T[];
  keyOf: (row: T) => string;
}): JSX.Element {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
    <section class="table-wrap" tabIndex={0} aria-label={label}>
      <table>
        <thead>
          <tr>
            {[first, ...others].map((column) => (
              <th key={column.title} scope="col" class={classOf(column)}>
                {column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              <th scope="row" class={classOf(first)}>
                {first.cell(row)}
              </th>
              {others.map((column) => (
                <td key={column.title} class={classOf(column)}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function classOf<T>({ isNumber, class: given }: Column<T>): string | undefined {
  return [isNumber ? "number" : "", given ?? ""].filter(Boolean).join(" ") || undefined;
}
