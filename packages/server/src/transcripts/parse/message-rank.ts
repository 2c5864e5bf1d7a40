/** A record of a message: its file, and which reading of it. */
export type RecordPlace = {
  file_id: string;
  device_id: string;
  file: string;
  agent: string;
  /** Of the session's own device. */
  is_own: boolean;
  generation: number;
  reading: number;
};

/**
 * Whether the message shows the record `a` instead of `b`: of one file, that of the newer reading, then of the newer generation; of
 * several files, that of the session's own device, then that of the smaller device and file. Independent of the order in which they arrive.
 */
export function stands(a: RecordPlace, b: RecordPlace): boolean {
  if (a.file_id === b.file_id)
    return a.reading === b.reading ? a.generation >= b.generation : a.reading > b.reading;
  if (a.is_own !== b.is_own) return a.is_own;
  const [ofA, ofB] = [a, b].map(({ device_id, file, agent }) => [device_id, file, agent]);
  for (const [index, value] of (ofA ?? []).entries()) {
    const other = ofB?.[index] ?? "";
    if (value !== other) return value < other;
  }
  return true;
}
