/** Says yes to the first `perS` of each second, by the milliseconds of a clock that never goes back. */
export function createSample(perS: number): (now_ms: number) => boolean {
  let second = -1;
  let count = 0;

  return function isSampled(now_ms) {
    const current = Math.floor(now_ms / 1000);
    if (current !== second) count = 0;
    second = current;
    count += 1;
    return count <= perS;
  };
}
