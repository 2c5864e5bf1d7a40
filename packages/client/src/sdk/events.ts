import type { Event, IngestResponse } from "@wharf/protocol";
import { COMPRESSED_BYTES_MIN } from "./compression.ts";
import type { Http, HubRequest } from "./http.ts";

/** As a device sends it; `blob_refs` may be omitted. */
export type NewEvent = Omit<Event, "blob_refs"> & Partial<Pick<Event, "blob_refs">>;

export type Events = {
  /** 1 to 1,000 events. `results` has the status of each, in order; a rejected event does not throw. Throws HubError. */
  send(events: readonly NewEvent[]): Promise<IngestResponse>;
  /** The same for events that are JSON already, one per line. */
  sendLines(ndjson: Uint8Array<ArrayBuffer>): Promise<IngestResponse>;
};

/** Events count as sent by it. */
function isAnswer({ results, errors = [] }: Partial<IngestResponse>): boolean {
  if (!Array.isArray(results) || !Array.isArray(errors)) return false;
  return [...results, ...errors].every((one) => typeof one === "object" && one !== null);
}

export function createEvents(http: Http): Events {
  async function post(bytes: Uint8Array<ArrayBuffer>, contentType: string): Promise<IngestResponse> {
    const isSmall = http.compress === null || bytes.length < COMPRESSED_BYTES_MIN;
    const compressed = isSmall ? null : await http.compress?.(bytes);
    const request: HubRequest = {
      method: "POST",
      body: compressed?.bytes ?? bytes,
      headers: {
        "content-type": contentType,
        ...(compressed == null ? {} : { "content-encoding": compressed.encoding }),
      },
    };
    return await http.json<IngestResponse>("/api/events", request, isAnswer);
  }

  return {
    send: (events) => post(new TextEncoder().encode(JSON.stringify({ events })), "application/json"),
    sendLines: (ndjson) => post(ndjson, "application/x-ndjson"),
  };
}
