import { describe, expect, test } from 'vitest';
import { errorTable } from '../../src/error-table.ts';
import type { ErrorCode } from '../../src/errors.ts';
import { createBreaker, noBreaker } from '../../src/workers/breaker.ts';

const threshold = 10;
const outageCodes: readonly ErrorCode[] = ['vendor_unreachable', 'vendor_timeout', 'vendor_unavailable'];

/** A breaker on a clock that stands still until it is told. */
function breakerAt(startMs = 0) {
  const clock = { nowMs: startMs };
  const breaker = createBreaker(() => clock.nowMs);
  const fail = (times: number, code: ErrorCode = 'vendor_unreachable') =>
    Array.from({ length: times }, () => breaker.failed(code));
  /** Fails once after each pause, as the one job does that is let through. */
  const pauses = (times: number) =>
    Array.from({ length: times }, () => {
      const pauseMs = breaker.failed('vendor_unreachable');
      clock.nowMs += pauseMs ?? 0;
      return pauseMs;
    });
  return { clock, breaker, fail, pauses };
}

const ownFailures = (times: number): undefined[] => Array.from({ length: times }, () => undefined);

describe('the breaker', () => {
  test('opens with the tenth failure in a row: nine are the jobs’ own', () => {
    const { fail } = breakerAt();
    expect(fail(threshold)).toEqual([...ownFailures(threshold - 1), 2_000]);
  });

  test.each(outageCodes)('counts %s, mixed with the others of its kind', (code) => {
    const { fail } = breakerAt();
    fail(4, 'vendor_unreachable');
    fail(5, 'vendor_timeout');
    expect(fail(1, code)).toEqual([2_000]);
  });

  test('counts from the start again after an answer', () => {
    const { breaker, fail } = breakerAt();
    fail(threshold - 1);
    breaker.answered();
    expect(fail(threshold)).toEqual([...ownFailures(threshold - 1), 2_000]);
  });

  test('takes a refusal for the answer that it is', () => {
    for (const code of ['vendor_not_found', 'vendor_rate_limited', 'vendor_answer_invalid'] as const) {
      const { breaker, fail } = breakerAt();
      fail(threshold - 1);
      expect(breaker.failed(code)).toBeUndefined();
      expect(fail(1), code).toEqual([undefined]);
    }
  });

  test('makes nothing of failures that are not the vendor’s: they neither open nor close it', () => {
    const others = (Object.keys(errorTable) as ErrorCode[]).filter((code) => !code.startsWith('vendor_'));
    expect(others.length).toBeGreaterThan(10);
    const { fail } = breakerAt();
    for (const code of others) expect(fail(threshold + 1, code), code).toEqual(ownFailures(threshold + 1));
    fail(threshold - 1);
    for (const code of others) expect(fail(1, code)).toEqual([undefined]);
    expect(fail(1)).toEqual([2_000]);
  });

  test('doubles its pause up to 30 s', () => {
    const { fail, pauses } = breakerAt(5_000);
    fail(threshold - 1);
    expect(pauses(8)).toEqual([2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000, 30_000]);
  });

  test('gives jobs that fail within a pause what is left of it, and does not lengthen it for them', () => {
    const { clock, breaker, fail } = breakerAt();
    fail(threshold);
    expect(fail(40)).toEqual(Array.from({ length: 40 }, () => 2_000));
    clock.nowMs = 1_500;
    expect(fail(3)).toEqual([500, 500, 500]);
    clock.nowMs = 1_999.8;
    expect(breaker.failed('vendor_timeout')).toBe(1);
    clock.nowMs = 2_000;
    expect(fail(2)).toEqual([4_000, 4_000]);
  });

  test('begins with the shortest pause again once the vendor has answered', () => {
    const { clock, breaker, fail, pauses } = breakerAt();
    fail(threshold - 1);
    pauses(5);
    breaker.answered();
    clock.nowMs += 60_000;
    expect(fail(threshold)).toEqual([...ownFailures(threshold - 1), 2_000]);
  });

  test('stays open for 24 h, then failures count, until an answer begins a new day', () => {
    const { clock, breaker, fail } = breakerAt(1_000);
    fail(threshold);
    clock.nowMs = 1_000 + 24 * 3_600_000;
    expect(fail(1)).toEqual([4_000]);
    clock.nowMs += 1;
    expect(fail(3)).toEqual(ownFailures(3));
    breaker.answered();
    expect(fail(threshold)).toEqual([...ownFailures(threshold - 1), expect.any(Number)]);
  });

  test('keeps time by itself where no clock is given', () => {
    const breaker = createBreaker();
    const [last] = Array.from({ length: threshold }, () => breaker.failed('vendor_unreachable')).slice(-1);
    expect(last).toBe(2_000);
  });

  test('never opens in a batch run', () => {
    expect(Array.from({ length: 100 }, () => noBreaker.failed('vendor_unreachable'))).toEqual(ownFailures(100));
    noBreaker.answered();
  });
});
