import { rename } from 'node:fs/promises';
import { expect, test, vi } from 'vitest';
import { runCli } from '../../support/cli.ts';
import { objectsIn, storedMonth } from './books.ts';

vi.setConfig({ testTimeout: 180_000 });

test('workers that fetch no files carry out erasures where they have the store, and do without where they have not', async () => {
  const { run, rows, folder, environment } = await storedMonth();
  const [{ id } = { id: '' }] = await rows<{ id: string }>('select min(transaction_id) as id from files');
  const left = async () => (await objectsIn(folder)).filter((name) => name.startsWith(`${id}.`));
  const worker = () =>
    runCli(['worker', '--until-idle'], {
      ...environment,
      FETCH_DOCUMENTS: 'false',
      FETCH_AUDIT_REPORTS: 'false',
      LOG_LEVEL: 'warn',
    });
  await run(['erase', '--transaction', id, '--reason', 'wish']);
  await rows(`update erasures set destroy_at = now() - interval '1 second'`);

  await rename(folder, `${folder}.away`);
  const without = await worker();
  expect(without).toMatchObject({ code: 0 });
  expect(`${without.stdout}${without.stderr}`).toContain('erasures and retention wait for a worker that has the store');
  expect((await run(['status'])).stdout).toContain('Documents to be erased: those of 1 transaction');

  await rename(`${folder}.away`, folder);
  expect(await left()).not.toEqual([]);
  expect(await worker()).toMatchObject({ code: 0 });
  expect(await left()).toEqual([]);
});
