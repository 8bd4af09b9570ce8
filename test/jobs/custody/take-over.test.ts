import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { objectsIn, storedMonth } from './books.ts';

vi.setConfig({ testTimeout: 180_000 });

const isClear = (name: string): boolean => /^[0-9a-f]{64}$/.test(name);

test('what an earlier version stored in the clear is encrypted, and its clear bytes go once nobody needs them', async () => {
  const { run, rows, folder } = await storedMonth();
  const files = await rows<{ transaction_id: string; kind: string; origin: string; position: number }>(
    `select transaction_id, kind, origin, position from files where state = 'stored' order by 1, 2, 3, 4 limit 6`,
  );
  const contents = files.map((_, index) =>
    Buffer.concat([Buffer.from(`canary-${index < 2 ? 0 : index} `), randomBytes(index < 2 ? 0 : 90_000)]),
  );
  for (const [index, { transaction_id, kind, origin, position }] of files.entries()) {
    const bytes = contents[index] ?? Buffer.alloc(0);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await mkdir(path.join(folder, sha256.slice(0, 2)), { recursive: true });
    await writeFile(path.join(folder, sha256.slice(0, 2), sha256), index === 5 ? 'damaged since' : bytes);
    await rows(
      `update files set object_name = null, key_id = null, sha256 = $5, bytes = $6
      where transaction_id = $1 and kind = $2 and origin = $3 and position = $4`,
      [transaction_id, kind, origin, position, sha256, String(bytes.length)],
    );
  }
  expect(JSON.parse((await run(['status', '--json'])).stdout)).toMatchObject({ custody: { clear: 6 } });
  expect((await run(['worker', '--until-idle'])).code).toBe(0);
  // The damaged one cannot be taken over.
  expect((await objectsIn(folder)).filter(isClear)).toHaveLength(1);
  const states = await rows<{ state: string; clear: string | null; is_clear: boolean }>(
    `select state, clear_sha256 as clear, object_name is null as is_clear from files where sha256 is not null and (object_name is null or clear_sha256 is not null)`,
  );
  expect(states).toEqual([{ state: 'damaged', clear: null, is_clear: true }]);
  for (const name of await readdir(folder, { recursive: true, withFileTypes: true }))
    if (name.isFile()) expect((await readFile(path.join(name.parentPath, name.name))).includes('canary-')).toBe(false);
  const verified = await run(['documents', 'verify', '--json']);
  expect(JSON.parse(verified.stdout)).toMatchObject({ proven: expect.any(Number) as number, orphans: 0 });
});
