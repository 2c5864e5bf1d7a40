import { storableJsonText } from "@wharf/job-runner";
import { z } from "zod";
import type { NO_LINES } from "./read-steps.ts";

const carriedSchema = z.object({
  /** Messages so far, without repeated ones. */
  ordinal: z.number(),
  /** The latest time so far. */
  sorted_ms: z.number().nullable(),
  compact_sequence: z.number(),
  /** The earliest time of the file. */
  first_ms: z.number().nullable(),
  /** The latest messages of the agent without a response, by id. */
  unanswered: z.array(z.string()).default([]),
});
/** What is carried from step to step of a generation. */
export type Carried = z.infer<typeof carriedSchema>;

export const NOTHING_CARRIED: Carried = {
  ordinal: 0,
  sorted_ms: null,
  compact_sequence: 0,
  first_ms: null,
  unanswered: [],
};

const forkSchema = z.object({
  /** The session whose turns the file may begin with. */
  parent: z.string(),
  /** How many of its turns were known when reading began. */
  turns: z.number(),
});
export type Fork = z.infer<typeof forkSchema>;

const stateSchema = z.object({ carried: carriedSchema, fork: forkSchema.nullable(), reader: z.unknown() });

export type GenerationState = { carried: Carried; fork: Fork | null; reader: string };

/** transcript_generations.parser_state, as JSON. */
export function writeState({ carried, fork, reader }: GenerationState): string {
  return storableJsonText(
    `{"carried":${JSON.stringify(carried)},"fork":${JSON.stringify(fork)},"reader":${reader}}`,
  );
}

export function readState(json: string): GenerationState {
  const { carried, fork, reader } = stateSchema.parse(JSON.parse(json));
  return { carried, fork, reader: JSON.stringify(reader) };
}

const countsSchema = z.object({
  records: z.number().default(0),
  bad: z.number().default(0),
  blank: z.number().default(0),
  torn: z.number().default(0),
  oversized: z.number().default(0),
  unread: z.number().default(0),
  duplicate: z.number().default(0),
  unknown: z.number().default(0),
  unknown_left_out: z.number().default(0),
  replaced_characters: z.number().default(0),
});

export function readCounts(json: string): typeof NO_LINES {
  return countsSchema.parse(JSON.parse(json));
}
