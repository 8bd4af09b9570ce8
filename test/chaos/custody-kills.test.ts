import { chmod, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { waitFor } from '../support/books.ts';
import { namesInStore } from '../support/documents-by-hand.ts';
import { allDestroyed, anHourLater, aWhile, custodian, faultsInCustody } from './support-custody-kills.ts';
import { createWorld, doneWork, enqueueAll, faultsInBooks, isFull, openWork, seededRandom, seeds } from './world.ts';

const transactions = isFull ? 3_000 : 150;
const kills = isFull ? 200 : 12;
/** How long the store is away. */
const awayMs = isFull ? 60_000 : 10_000;
const timeout = isFull ? 3_600_000 : 400_000;

describe.each(seeds(1, 2))('seed %i', (seed) => {
  test(
    'kill -9 of workers while people erase, hold and change masters: nothing lost, doubled, left or readable',
    { timeout },
    async ({ annotate }) => {
      const random = seededRandom(seed);
      const world = await createWorld({ seed, transactions, workers: 3, variables: { ERASURE_DELAY_DAYS: '0' } });
      const { environment, fleet } = world;
      const store = path.join(environment.IDSCAN_DATA_DIR, 'documents');
      const secretFile = path.join(world.folder, 'secrets');
      await enqueueAll(world);
      fleet.start();
      await waitFor('workers at work', async () => (await doneWork(world)) >= 40, 120_000);
      const secretKeys = [
        (await readFile(path.join(environment.IDSCAN_DATA_DIR, 'keys', 'documents.key'), 'utf8')).trim(),
      ];
      const { act, run, rotate, done } = custodian(world, environment, seed);
      let masters = '';
      const changeMasters = async (): Promise<void> => {
        masters = await rotate(secretKeys);
        await writeFile(secretFile, secretKeys.join('\n'));
        await chmod(secretFile, 0o600);
        environment['DOCUMENTS_SECRET_KEY_FILE'] = secretFile;
        await run('documents', 'rotate', '--to', masters);
        environment['DOCUMENTS_PUBLIC_KEYS'] = masters;
      };
      for (let index = 0; index < kills; index += 1) {
        const due = Math.floor((transactions * 2.5 * index) / (kills + 2));
        await waitFor(
          'more work done',
          async () => (await doneWork(world)) >= due || (await openWork(world)) === 0,
          120_000,
        );
        const acted = index % Math.ceil(kills / 3) === 1 ? changeMasters() : act(index);
        await aWhile(random);
        await waitFor('a worker to kill', () => fleet.killOne(random()));
        await acted;
      }
      await waitFor('all work done', async () => (await openWork(world)) === 0, 120_000);

      // The store goes away: what is ordered meanwhile waits, and goes on once it is back.
      await rename(store, `${store}.away`);
      const [away = ''] = world.simulator.transactions
        .filter(({ resultId, transactionId: id }) => resultId !== null && !done.erased.has(id) && !done.held.has(id))
        .map(({ transactionId }) => transactionId);
      const goneMs = performance.now();
      done.erased.add(away);
      await run('erase', '--transaction', away, '--reason', 'wish', '--now');
      const refused = done.failed.pop();
      await waitFor('the store to return', () => performance.now() - goneMs >= awayMs, 2 * awayMs);
      await rename(`${store}.away`, store);
      const backMs = performance.now();
      await allDestroyed(world);
      const waitedMs = performance.now() - backMs;
      await annotate(
        `the store was away for ${awayMs} ms; erasing went on ${Math.round(waitedMs)} ms after its return`,
      );
      await fleet.end();

      // Workers that ran while masters changed sealed to the former ones: the command said so, and asked to be run again.
      await run('documents', 'rotate', '--to', masters);
      const drafts = (await namesInStore(environment.IDSCAN_DATA_DIR)).filter((name) => name.startsWith('incoming/'));
      await anHourLater(
        world,
        drafts.map((name) => path.join(store, name)),
      );
      await run('worker', '--until-idle');
      await run('worker', '--until-idle');
      const names = async () =>
        (await namesInStore(environment.IDSCAN_DATA_DIR)).filter((name) => !name.startsWith('erasures/'));
      const bare = { read: (name: string) => readFile(path.join(store, name)), names };
      await annotate(
        `${fleet.deaths()} deaths, ${done.erased.size} erased, ${done.held.size} held, ${done.rotations} masters`,
      );
      expect(refused).toMatch(/store_mismatch|storage_failed/);
      expect(done.failed.filter((one) => !one.startsWith('documents rotate'))).toEqual([]);
      expect(await faultsInCustody(world, done, bare, secretKeys.slice(-1))).toEqual([]);
      expect(await faultsInBooks(world)).toEqual([]);
      expect(fleet.deaths()).toBeGreaterThanOrEqual(kills);
      expect(waitedMs).toBeGreaterThan(0);
    },
  );
});
