export type { Compress, Compressed } from "./sdk/compression.ts";
export { type Client, type ClientOptions, createClient } from "./sdk/create-client.ts";
export type { NewEvent } from "./sdk/events.ts";
export { HubError } from "./sdk/hub-error.ts";
export type { LiveOptions, LiveUpdate } from "./sdk/live.ts";
export type { WorkspaceDetail } from "./sdk/reads.ts";
export type { DeviceDetail } from "./sdk/resources.ts";
export type { SessionFilter } from "./sdk/sessions.ts";
export { type Append, heldOf, type Upload } from "./sdk/transcripts.ts";
