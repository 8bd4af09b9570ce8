import type { ErrorCode } from '../errors.ts';

/** Failures that say that the vendor itself is away, not that something is wrong with one request. */
const outageCodes: readonly ErrorCode[] = ['vendor_unreachable', 'vendor_timeout', 'vendor_unavailable'];

const threshold = 10;
const firstPauseMs = 2_000;
const longestPauseMs = 30_000;
/** An outage that lasts longer counts as failures again: perhaps it is not the vendor, but what we ask of it. */
const longestOutageMs = 24 * 3_600_000;

/**
 * Notices that the vendor is down: ten failures of that kind in a row, over all jobs of this process, with no answer in
 * between. While it is open, failures use up no attempts, and all workers pause, longer and longer up to 30 s.
 */
export type Breaker = {
  /** The vendor answered, whatever it said. */
  readonly answered: () => void;
  /** @returns how long to pause, in milliseconds; `undefined` = this failure is the job's own. */
  readonly failed: (code: ErrorCode) => number | undefined;
};

/** A breaker that never opens, for batch runs, which shall end with what failed. */
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
      if (!outageCodes.includes(code)) {
        if (code.startsWith('vendor_')) close();
        return undefined;
      }
      failuresInARow += 1;
      if (failuresInARow < threshold) return undefined;
      const nowMs = now();
      openedAtMs ??= nowMs;
      if (nowMs - openedAtMs > longestOutageMs) return undefined;
      // Jobs that were under way when the breaker opened fail within the same pause: it is theirs too.
      if (nowMs >= pausedUntilMs) {
        pausedUntilMs = nowMs + pauseMs;
        pauseMs = Math.min(longestPauseMs, pauseMs * 2);
      }
      return Math.max(1, Math.round(pausedUntilMs - nowMs));
    },
  };
}
