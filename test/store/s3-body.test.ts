import { setImmediate as othersRun } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { withBody } from '../../src/store/s3/body.ts';

const mib = 1_024 ** 2;

test('bodies that are sent at once take a bounded part of the memory, and all are sent', async () => {
  const [bodies, pieces] = [8, 25];
  let [held, most, sent] = [0, 0, 0];
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  const piece = Buffer.alloc(mib);
  const all = Array.from({ length: bodies }, () =>
    withBody(
      async (sink) => {
        for (let n = 0; n < pieces; n += 1) {
          await sink(piece);
          held += mib;
          most = Math.max(most, held);
        }
      },
      async ({ bytes }) => {
        await gate;
        held -= bytes;
        sent += 1;
      },
    ),
  );
  // Five fit: the sixth waits, and so do all others.
  for (let n = 0; n < 2_000; n += 1) await othersRun();
  expect(sent).toBe(0);
  expect(most).toBeGreaterThan(100 * mib);
  open();
  await Promise.all(all);
  expect(sent).toBe(bodies);
  expect(most).toBeLessThanOrEqual(160 * mib);
  const broken = withBody(
    () => Promise.reject(new Error('broken off')),
    () => Promise.resolve(),
  );
  await expect(broken).rejects.toThrow('broken off');
});
