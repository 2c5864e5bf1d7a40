const whole = new Intl.NumberFormat("en");
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

export function countText(count: number): string {
  return whole.format(count);
}

/** Such as "1.2M". */
export function shortText(count: number): string {
  return compact.format(count);
}

/** Money in US dollars. A null is unknown, not zero. */
export function costText(usd: number | string | null | undefined): string {
  if (usd === null || usd === undefined) return "–";
  const value = Number(usd);
  if (value === 0) return "$0";
  return value < 0.01 ? "< $0.01" : `$${value.toFixed(2)}`;
}

const UNITS = ["B", "KB", "MB", "GB", "TB"];

/** Bytes in units of 1,000. */
export function bytesText(bytes: number): string {
  const step = bytes < 1 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), UNITS.length - 1);
  const value = bytes / 1_000 ** step;
  return `${step === 0 ? value : value.toPrecision(3)} ${UNITS[step]}`;
}

/** "1 session", "2 sessions". */
export function counted(count: number, one: string, many: string = `${one}s`): string {
  return `${countText(count)} ${count === 1 ? one : many}`;
}
