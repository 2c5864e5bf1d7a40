import type { Block, TranscriptFile } from "../contract.ts";
import type { Counts } from "./usage.ts";

export type CodexState = {
  /** The thread that the file belongs to: the id in its first session_meta. A later one is the parent's, copied. */
  thread_id: string | null;
  session_id: string;
  parent: string | null;
  parent_turns: readonly string[] | null;
  /** Whether a subagent: its user messages are tasks. */
  is_subagent: boolean;
  /** Records are copies of the parent's, stamped anew, until the first turn that the parent lacks. */
  is_copying: boolean;
  /** Records with a smaller ordinal are the parent's. */
  own_from_ordinal: number | null;
  started_at: string | null;
  is_paginated: boolean;
  has_usage_records: boolean;
  turn_id: string | null;
  model: string | null;
  totals: Counts | null;
  /** Of the turn's last response, which calls that run afterwards are part of. */
  response_key: string | null;
  /** The last response, if no message before it was part of it: the next message is. */
  open_response: string | null;
  /** Messages of the agent wait for the record of their response. */
  has_unanswered: boolean;
  /** Counted changes of the totals in the turn: the n-th is a response's key where it has no id. */
  changes: number;
  /** Images of what a person wrote: their prompt comes in a record of its own, which names their files alone. */
  prompt_images: Block[];
};

export function beginState({ session_id, parent_turns }: TranscriptFile): CodexState {
  return {
    thread_id: null,
    session_id,
    parent: null,
    parent_turns: parent_turns ?? null,
    is_subagent: false,
    is_copying: false,
    own_from_ordinal: null,
    started_at: null,
    is_paginated: false,
    has_usage_records: false,
    turn_id: null,
    model: null,
    totals: null,
    response_key: null,
    open_response: null,
    has_unanswered: false,
    changes: 0,
    prompt_images: [],
  };
}
