import { expect, test } from 'vitest';
import { withRoomForGarbage } from '../../src/cli/young-garbage.ts';

test('rows pass as they are, a batch at a time, and whoever stops early ends what they come from', async () => {
  const state = { asked: 0, isEnded: false };
  const batches = async function* () {
    try {
      for (; state.asked < 5;) yield Promise.resolve([(state.asked += 1)]);
    } finally {
      state.isEnded = true;
    }
  };
  const seen: number[] = [];
  for await (const [one = 0] of withRoomForGarbage(batches())) {
    seen.push(one);
    if (one === 3) break;
  }
  expect({ seen, ...state }).toEqual({ seen: [1, 2, 3], asked: 3, isEnded: true });
});
