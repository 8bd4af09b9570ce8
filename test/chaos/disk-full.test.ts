import { expect, test } from 'vitest';
import { documentsOnFullDisk, reportsOnFullDisk, timeout } from './support-disk-full.ts';
import { isFull } from './world.ts';

// The same on a mounted file system, for which one has to be root, is in test/privileged.
const rounds = isFull ? 10 : 3;

test(
  `no room for documents, ${rounds} times: no partial file under a final name, nothing lost`,
  { timeout },
  async () => {
    expect(await documentsOnFullDisk('limited', rounds)).toBeGreaterThan(0);
  },
);

test(`no room for reports, ${rounds} times: the old files stay until the new ones are whole`, { timeout }, async () => {
  await reportsOnFullDisk('limited', rounds);
});
