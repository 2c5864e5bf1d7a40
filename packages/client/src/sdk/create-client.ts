import { type Compress, gzip } from "./compression.ts";
import { createEvents, type Events } from "./events.ts";
import { createHttp, type Http } from "./http.ts";
import { followLive, type LiveOptions, type LiveUpdate } from "./live.ts";
import { createReads, type Reads } from "./reads.ts";
import { createDevices, createJobs, createKeys, type Devices, type Jobs, type Keys } from "./resources.ts";
import { createSessions, type Sessions } from "./sessions.ts";
import { createTranscripts, type Transcripts } from "./transcripts.ts";

export type ClientOptions = {
  /** The hub, such as https://wharf.example.com. */
  url: string;
  /** A key of the hub; null for the routes that need none. */
  key: string | null;
  /** For one request, in milliseconds; 0: none. 30 s by default. */
  timeoutMs?: number;
  /** gzip by default; null: bodies are sent uncompressed. */
  compress?: Compress | null;
  fetch?: typeof fetch;
};

export type Client = Reads & {
  events: Events;
  sessions: Sessions;
  transcripts: Transcripts;
  devices: Devices;
  keys: Keys;
  jobs: Jobs;
  /** Changes as they happen, until `signal` aborts or the loop ends. Reconnects without a gap. */
  live(options?: LiveOptions): AsyncGenerator<LiveUpdate, void>;
  /** Any other route. */
  http: Http;
};

const TIMEOUT_MS = 30_000;

/** A client for one hub and one key. Needs fetch alone: Bun, Node 20 or newer, browsers. Every method throws HubError. */
export function createClient({
  url,
  key,
  timeoutMs = TIMEOUT_MS,
  compress = gzip,
  fetch: send = fetch,
}: ClientOptions): Client {
  const http = createHttp({ url, key, timeoutMs, compress, fetch: send });
  return {
    ...createReads(http),
    events: createEvents(http),
    sessions: createSessions(http),
    transcripts: createTranscripts(http),
    devices: createDevices(http),
    keys: createKeys(http),
    jobs: createJobs(http),
    live: (options) => followLive(http, options),
    http,
  };
}
