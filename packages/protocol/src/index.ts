export * from "./device.ts";
export * from "./event.ts";
export * from "./page.ts";
export * from "./payloads.ts";
export * from "./problem.ts";
export * from "./session.ts";
export * from "./ulid.ts";
export * from "./workspace.ts";
