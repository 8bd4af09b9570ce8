import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { objectsIn, storedMonth } from './books.ts';

vi.setConfig({ testTimeout: 180_000 });

test('documents whose key is gone are not proven: they are damaged, and fetched anew by --repair', async () => {
  const { run, rows, folder, environment } = await storedMonth();
  const [{ id } = { id: '' }] = await rows<{ id: string }>('select min(transaction_id) as id from files');
  const before = await objectsIn(folder);
  await rows('delete from document_keys where transaction_id = $1', [id]);

  const [{ count } = { count: 0 }] = await rows<{ count: number }>(
    'select count(*)::int as count from files where transaction_id = $1 and sha256 is not null',
    [id],
  );
  const verified = await run(['documents', 'verify', '--json']);
  expect(verified).toMatchObject({ code: 1 });
  const { amiss } = JSON.parse(verified.stdout) as { amiss: { state: string; count: number }[] };
  expect(amiss.map(({ state }) => state)).toEqual(amiss.map(() => 'damaged'));
  expect(amiss.reduce((sum, one) => sum + one.count, 0)).toBe(count);

  await run(['documents', 'verify', '--repair']);
  expect((await run(['worker', '--until-idle'])).code).toBe(0);
  expect(await run(['documents', 'verify'])).toMatchObject({ code: 0 });
  const out = path.join(environment.folder, 'out');
  expect(await run(['documents', 'get', id, '--out', out, '--reason', 'case 1'])).toMatchObject({ code: 0 });
  // What nobody could open any more is gone.
  expect(await objectsIn(folder)).toHaveLength(before.length);
});
