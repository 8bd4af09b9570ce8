import { expect, test } from 'vitest';
import { sharedCheck } from '../../../src/jobs/queue/shared-check.ts';

test('those who ask at once and shortly after share one look', async () => {
  let looks = 0;
  const check = sharedCheck(() => Promise.resolve((looks += 1) > 0), false);
  expect(await Promise.all([check(), check(), check()])).toEqual([true, true, true]);
  expect(await check()).toBe(true);
  expect(looks).toBe(1);
});

test('what fails counts as no, also where it fails before it begins', async () => {
  expect(await sharedCheck(() => Promise.reject(new Error('away')), false)()).toBe(false);
});

test('a look that hangs is answered for in time, and is not begun again beside itself', async () => {
  let looks = 0;
  const answered = Promise.withResolvers<boolean>();
  const check = sharedCheck(() => {
    looks += 1;
    return answered.promise;
  }, false);
  expect(await Promise.all([check(), check()])).toEqual([false, false]);
  const later = check();
  answered.resolve(true);
  expect(await later).toBe(true);
  expect(looks).toBe(1);
});
