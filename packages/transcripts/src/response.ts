import type { Fact, ResponsePart } from "./contract.ts";

/** A response of an agent that writes no more of it than this. */
export function responseFact(known: Pick<ResponsePart, "key" | "model" | "at" | "usage" | "is_copy">): Fact {
  return {
    fact: "response",
    response: {
      ...known,
      cache_write_unsplit: 0,
      speed: null,
      service_tier: null,
      inference_geo: null,
      is_lower_bound: false,
      is_sidechain: false,
    },
  };
}
