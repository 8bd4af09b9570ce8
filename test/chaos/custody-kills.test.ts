import { readFile, rename } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'vitest';
import { namesInStore } from '../support/documents-by-hand.ts';
import { killInCustody } from './support-custody-kills.ts';
import { isFull, seeds } from './world.ts';

const size = isFull
  ? { transactions: 3_000, kills: 200, awayMs: 60_000 }
  : { transactions: 80, kills: 6, awayMs: 5_000 };

describe.each(seeds(1, 2))('seed %i', (seed) => {
  test(
    'kill -9 of workers while people erase, hold and change masters: nothing lost, doubled, left or readable',
    { timeout: isFull ? 3_600_000 : 600_000 },
    async ({ annotate }) => {
      const said = await killInCustody({
        ...size,
        seed,
        variables: {},
        place: ({ environment: { IDSCAN_DATA_DIR: dataDir } }) => {
          const store = path.join(dataDir, 'documents');
          const isDraft = (name: string) => name.startsWith('incoming/');
          return {
            bare: {
              read: (name) => readFile(path.join(store, name)),
              names: async () => (await namesInStore(dataDir)).filter((name) => !/^(erasures|holds)\//.test(name)),
            },
            drafts: async () => (await namesInStore(dataDir)).filter(isDraft).map((name) => path.join(store, name)),
            leave: () => rename(store, `${store}.away`),
            comeBack: () => rename(`${store}.away`, store),
          };
        },
      });
      await annotate(said);
    },
  );
});
