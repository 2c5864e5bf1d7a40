import type { JSX } from "preact";

export type Option = { value: string; text: string };

/** One of many values, or any. */
export function Select({
  label,
  any,
  options,
  value,
  onChange,
}: {
  label: string;
  /** The text of the choice of all, such as "All devices". */
  any: string;
  options: readonly Option[];
  /** Empty for all. */
  value: string;
  onChange: (value: string) => void;
}): JSX.Element {
  // A value of the address that is not offered stays visible.
  const isKnown = value === "" || options.some((option) => option.value === value);
  return (
    <select
      aria-label={label}
      class={value === "" ? undefined : "chosen"}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    >
      <option value="">{any}</option>
      {!isKnown && <option value={value}>{value}</option>}
      {options.map((option) => (
        <option key={option.value} value={option.value}>
          {option.text}
        </option>
      ))}
    </select>
  );
}
