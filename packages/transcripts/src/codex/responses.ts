import type { Fact, Usage } from "../contract.ts";
import { responseFact } from "../response.ts";
import type { CodexState } from "./state.ts";

/** The usage of a response is written apart from its messages: mostly behind them, and for calls that a script makes, before them. */
export function respond(state: CodexState, key: string, usage: Usage, at: string | null): Fact[] {
  const response = responseFact({ key, model: state.model, at, usage, is_copy: state.is_copying });
  if (key === state.response_key) return [response];
  const { has_unanswered } = state;
  state.response_key = key;
  state.open_response = has_unanswered ? null : key;
  state.has_unanswered = false;
  if (has_unanswered) return [response, { fact: "answered", response_key: key }];
  return [response, noteOf(state, key, at)];
}

/** The response of a message of the agent, as far as it is known already. `isRun`: a call that was run. */
export function responseOfMessage(state: CodexState, isRun: boolean): string | null {
  const key = isRun && !state.has_unanswered ? state.response_key : state.open_response;
  state.open_response = null;
  if (key === null) state.has_unanswered = true;
  return key;
}

/** A response belongs to one turn. */
export function endTurnOfResponses(state: CodexState): Fact[] {
  const { has_unanswered } = state;
  state.response_key = null;
  state.open_response = null;
  state.has_unanswered = false;
  return has_unanswered ? [{ fact: "answered", response_key: null }] : [];
}

/** Stands for a response of which nothing is shown before it, so that the tokens of all messages add up to those of all responses. */
function noteOf(state: CodexState, response_key: string, at: string | null): Fact {
  return {
    fact: "message",
    message: {
      key: `response-${response_key}`,
      parent_key: null,
      kind: "system",
      at,
      model: state.model,
      response_key,
      blocks: [],
      is_copy: state.is_copying,
      is_sidechain: false,
    },
  };
}
