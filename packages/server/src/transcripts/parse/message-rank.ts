import type { FileDevice, RecordPlace } from "../../db/transcripts/known-rows.ts";

/** The session's own device comes first, then the smaller id. Negative: `a` does; 0: they are one. */
export function compareDevices(a: FileDevice, b: FileDevice): number {
  if (a.is_own !== b.is_own) return a.is_own ? -1 : 1;
  return compareTexts(a.device_id, b.device_id);
}

/**
 * Whether the message shows the record `a` instead of `b`: of one file, that of the newer reading, then of the newer generation; of
 * several files, that of the first device, then of the smaller file. Independent of the order in which they arrive.
 */
export function stands(a: RecordPlace, b: RecordPlace): boolean {
  if (a.file_id === b.file_id)
    return a.reading === b.reading ? a.generation >= b.generation : a.reading > b.reading;
  const order = compareDevices(a, b) || compareTexts(a.file, b.file) || compareTexts(a.agent, b.agent);
  return order <= 0;
}

function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
