import { waitFor } from '../support/books.ts';
import { doneWork, isFull, openWork, type World } from './world.ts';

export const transactions = isFull ? 3_000 : 120;
export const timeout = isFull ? 1_200_000 : 300_000;
/** With production settings: locks of killed workers expire, the sweep finds what nobody holds. */
const drainDeadlineMs = 60_000;

export const drained = (world: World) =>
  waitFor('all work done', async () => (await openWork(world)) === 0, drainDeadlineMs);

/** Spreads faults over the work: each comes once its share of all obligations is done, whatever the machine's speed. */
export async function whileWorking(
  world: World,
  faults: number,
  fault: (index: number) => Promise<void>,
): Promise<void> {
  // A worker that finds no Postgres when it starts ends with a message; here all have started.
  await waitFor('workers at work', async () => (await doneWork(world)) >= 40, 60_000);
  const expectedWork = transactions * 2.5;
  for (let index = 0; index < faults; index += 1) {
    const due = Math.floor((expectedWork * index) / (faults + 2));
    await waitFor(
      'more work done',
      async () => (await doneWork(world)) >= due || (await openWork(world)) === 0,
      60_000,
    );
    await fault(index);
  }
}
