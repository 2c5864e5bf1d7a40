import { measureHook } from "../../hooks/measure-hook.ts";
import { describeProblem, isOfMachine } from "../../spool/machine-problem.ts";
import type { Check } from "./check-hub.ts";

const MEDIAN_WARN_MS = 50;

const NAME = "hook speed";

/** What a hook takes on this machine. */
export async function checkHookSpeed(): Promise<Check> {
  try {
    const { median_ms, p99_ms } = await measureHook();
    const detail = `a hook takes ${median_ms.toFixed(1)} ms (p50), ${p99_ms.toFixed(1)} ms (p99)`;
    const isSlow = median_ms > MEDIAN_WARN_MS;
    const fix = isSlow ? "look for a slow disk, a busy machine or a virus scanner" : null;
    return { name: NAME, status: isSlow ? "warn" : "ok", detail, fix };
  } catch (error) {
    if (!isOfMachine(error)) throw error;
    return { name: NAME, status: "fail", detail: "it cannot be measured", fix: describeProblem(error) };
  }
}
