import { signal } from "@preact/signals";

const TICK_MS = 1_000;

/** The time in milliseconds, once a second: what shows an age reads it and stays right. */
export const now = signal(Date.now());

setInterval(() => {
  if (!document.hidden) now.value = Date.now();
}, TICK_MS);
