/** Preloaded into a process whose clock is to be off by CLOCK_OFF_MS. */
const off_ms = Number(process.env["CLOCK_OFF_MS"]);
const real = Date.now;
const now = () => real() + off_ms;

globalThis.Date = new Proxy(Date, {
  construct: (target, given, created) =>
    Reflect.construct(target, given.length === 0 ? [now()] : given, created),
  get: (target, name) => (name === "now" ? now : Reflect.get(target, name)),
});
