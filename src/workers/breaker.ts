import { errorTable } from '../error-table.ts';
import type { ErrorCode } from '../errors.ts';

const threshold = 10;
const firstPauseMs = 2_000;
const longestPauseMs = 30_000;
/** After this time an outage uses up attempts again: perhaps the cause is our request, not the vendor. */
const longestOutageMs = 24 * 3_600_000;

/**
 * Notices that the vendor is down: ten such failures in a row over all jobs of this process, with no response in
 * between. While it is open, failures use up no attempts, and all workers pause, doubling the pause up to 30 s.
 */
export type Breaker = {
  /** Reports that the vendor responded, with whatever status. */
  readonly answered: () => void;
  /** @returns how long to pause, in milliseconds; `undefined` = the failure counts against the job. */
  readonly failed: (code: ErrorCode) => number | undefined;
};

/** A breaker that never opens. A batch run uses it, because it should end with the failures. */
export const noBreaker: Breaker = { answered: () => undefined, failed: () => undefined };

export function createBreaker(now: () => number = () => performance.now()): Breaker {
  let failuresInARow = 0;
  let openedAtMs: number | undefined;
  let pausedUntilMs = 0;
  let pauseMs = firstPauseMs;
  const close = () => {
    failuresInARow = 0;
    openedAtMs = undefined;
    pauseMs = firstPauseMs;
  };
  return {
    answered: close,
    failed(code) {
      if (!errorTable[code].isOutage) {
        if (code.startsWith('vendor_')) close();
        return undefined;
      }
      failuresInARow += 1;
      if (failuresInARow < threshold) return undefined;
      const nowMs = now();
      openedAtMs ??= nowMs;
      if (nowMs - openedAtMs > longestOutageMs) return undefined;
      // Jobs that were running when the breaker opened fail within the same pause, so it covers them, too.
      if (nowMs >= pausedUntilMs) {
        pausedUntilMs = nowMs + pauseMs;
        pauseMs = Math.min(longestPauseMs, pauseMs * 2);
      }
      return Math.max(1, Math.round(pausedUntilMs - nowMs));
    },
  };
}
