import type { Fact } from "../contract.ts";
import { type JsonObject, number, object, text } from "../lines/json.ts";
import { endTurnOfResponses } from "./responses.ts";
import type { CodexState } from "./state.ts";

/** The first session_meta describes the file's thread; those behind it are copies of the parent's. */
export function readSessionMeta(state: CodexState, meta: JsonObject, at: string | null): Fact[] {
  if (state.thread_id !== null) return [];
  state.thread_id = text(meta, "id") ?? state.session_id;
  state.started_at = at ?? text(meta, "timestamp");
  state.is_paginated = text(meta, "history_mode") === "paginated";
  const forked_from = text(meta, "forked_from_id");
  state.parent = text(meta, "parent_thread_id") ?? forked_from;
  state.is_subagent = text(meta, "thread_source") === "subagent" || "subagent" in object(meta, "source");
  state.own_from_ordinal = number(meta, "subagent_history_start_ordinal");
  // With a history_base the file holds its own records alone.
  state.is_copying =
    state.parent !== null && meta["history_base"] === undefined && state.own_from_ordinal === null;
  const place: Fact = {
    fact: "place",
    cwd: text(meta, "cwd"),
    branch: text(object(meta, "git"), "branch"),
    version: text(meta, "cli_version"),
  };
  return [place, ...readRemote(meta), ...readOrigin(state, meta, forked_from), ...readNickname(meta)];
}

function readRemote(meta: JsonObject): Fact[] {
  const url = text(object(meta, "git"), "repository_url");
  return url === null ? [] : [{ fact: "remote", url }];
}

function readOrigin(state: CodexState, meta: JsonObject, forked_from: string | null): Fact[] {
  if (state.parent === null) return [];
  const parent = state.is_subagent ? state.parent : null;
  return [{ fact: "origin", forked_from, parent, agent_type: text(meta, "agent_role") }];
}

function readNickname(meta: JsonObject): Fact[] {
  const nickname = text(meta, "agent_nickname");
  return nickname === null ? [] : [{ fact: "title", rank: "generated", text: nickname }];
}

/** Ends the copied part at the first turn that is not the parent's. An unknown parent's turns are those of the file's first moment. */
export function readTurn(state: CodexState, turn: JsonObject, at: string | null): Fact[] {
  const id = text(turn, "turn_id");
  state.model = text(turn, "model") ?? state.model;
  if (id === null || id === state.turn_id) return [];
  state.turn_id = id;
  state.changes = 0;
  const ended = endTurnOfResponses(state);
  if (state.is_copying) {
    const isCopied = state.parent_turns === null ? at === state.started_at : state.parent_turns.includes(id);
    state.is_copying = isCopied;
  }
  return state.is_copying ? ended : [...ended, { fact: "turn", id }];
}
