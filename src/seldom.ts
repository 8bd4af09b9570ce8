/**
 * Says of each kind of trouble whether it is to be told now: an outage is told once in half a minute, not at every try.
 */
export function createSeldom(intervalMs = 30_000): (kind: string) => boolean {
  const toldAtMs = new Map<string, number>();
  return (kind) => {
    const nowMs = performance.now();
    if (nowMs - (toldAtMs.get(kind) ?? -Infinity) < intervalMs) return false;
    toldAtMs.set(kind, nowMs);
    return true;
  };
}
