import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { checkFolder } from '../../src/jobs/check-folder.ts';
import { createTestFolder } from '../support/books.ts';

test('a folder that can be written to is said to be, and nothing is left in it', async () => {
  const folder = path.join(await createTestFolder(), 'reports');
  expect(await checkFolder(folder)).toMatch(/reports can be written to, [\d,.]+ GiB free$/);
  expect(await readdir(folder)).toEqual([]);
});

test('a place where there can be no folder is refused, with what to do', async () => {
  const file = path.join(await createTestFolder(), 'file');
  await writeFile(file, '');
  await expect(checkFolder(path.join(file, 'below'))).rejects.toMatchObject({ code: 'storage_failed' });
});
