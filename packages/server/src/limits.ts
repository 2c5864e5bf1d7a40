import { BATCH_EVENTS_MAX, ID_CHARACTERS_MAX, TYPE_CHARACTERS_MAX } from "@wharf/protocol";

/** The limits of one server process; what a limit bounds is in its name, with the unit last. */
export const DEFAULT_LIMITS = {
  body_bytes: 8 * 1024 * 1024,
  decompressed_body_bytes: 32 * 1024 * 1024,
  body_receive_ms: 60_000,
  batch_events: BATCH_EVENTS_MAX,
  event_bytes: 1024 * 1024,
  json_depth: 64,
  id_characters: ID_CHARACTERS_MAX,
  type_characters: TYPE_CHARACTERS_MAX,
  write_queue_events: 20_000,
  write_queue_bytes: 64 * 1024 * 1024,
  statement_deadline_ms: 10_000,
  list_items: 1_000,
  timeline_items: 100,
};

export type Limits = typeof DEFAULT_LIMITS;
