/**
 * Tells for each kind of trouble whether to report it now. A lasting outage is reported once per interval, not at every
 * failure.
 */
export function createSeldom(intervalMs = 30_000): (kind: string) => boolean {
  const reportedAtMs = new Map<string, number>();
  return (kind) => {
    const nowMs = performance.now();
    if (nowMs - (reportedAtMs.get(kind) ?? -Infinity) < intervalMs) return false;
    reportedAtMs.set(kind, nowMs);
    return true;
  };
}
