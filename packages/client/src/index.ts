export { type Client, type ClientOptions, createClient } from "./sdk/create-client.ts";
export { HubError } from "./sdk/hub-error.ts";
