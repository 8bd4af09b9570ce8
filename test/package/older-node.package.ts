import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { expect, inject, test } from 'vitest';
import { createTestFolder } from '../support/books.ts';
import { ended, install, nodeThatIs } from './support.ts';

test('the demo runs where an older Node installed it, and npm left out what wants a newer one', async () => {
  const folder = await createTestFolder();
  const older = await nodeThatIs('v18.20.4', folder);
  const old = await install(inject('packageFile'), path.join(folder, 'old'), [], older);
  expect(await readdir(path.join(old, 'node_modules/@bull-board'))).not.toContain('fastify');
  const { code, stdout } = await ended('npx', ['idscan-ledger', 'demo', '--transactions', '60'], old);
  expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('nothing failed') as string });
});
