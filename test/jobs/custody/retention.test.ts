import { expect, test, vi } from 'vitest';
import { objectsIn, storedMonth } from './books.ts';

vi.setConfig({ testTimeout: 180_000 });

const dayMs = 86_400_000;
const daysSince = (date: Date): number => (Date.now() - date.getTime()) / dayMs;

test('documents go when they have been kept for long enough, audit reports stay, and what is held stays', async () => {
  const { run, rows, folder, environment, simulator } = await storedMonth();
  const ends = await rows<{ id: string; ended: Date }>(
    'select id, coalesce(completed_at, expires_at) as ended from transactions order by 2',
  );
  const middle = ends[6]?.ended ?? new Date();
  const days = Math.floor(daysSince(middle));
  const overdue = ends.filter(({ ended }) => daysSince(ended) >= days).map(({ id }) => id);
  const [held = ''] = overdue;
  await run(['hold', '--transaction', held, '--reason', 'court order']);
  const before = await objectsIn(folder);
  const retention = { ...environment, RETENTION_DOCUMENTS_DAYS: String(days) };
  const goes = (name: string) =>
    name.includes('.document.') && overdue.some((id) => id !== held && name.startsWith(`${id}.`));
  const { runCli } = await import('../../support/cli.ts');
  const figures = async () =>
    (JSON.parse((await runCli(['status', '--json'], retention)).stdout) as { retention: object[] }).retention;
  const erasedFiles = async () => (await rows(`select from files where kind = 'document' and state = 'erased'`)).length;
  const [waiting] = (await figures()) as { kind: string; overdue: number; destroyed: number }[];
  expect(waiting).toMatchObject({ kind: 'document', destroyed: 0 });
  expect(waiting!.overdue).toBeGreaterThan(0);
  expect((await runCli(['worker', '--until-idle'], retention)).code).toBe(0);
  expect(await figures()).toEqual([{ kind: 'document', overdue: 0, destroyed: await erasedFiles() }]);
  expect(await objectsIn(folder)).toEqual(before.filter((name) => !goes(name)));
  expect(before.filter(goes).length).toBeGreaterThan(0);
  const states = await rows<{ kind: string; state: string }>('select distinct kind, state from files order by 1, 2');
  expect(states).toContainEqual({ kind: 'document', state: 'erased' });
  expect(states).not.toContainEqual({ kind: 'audit_report', state: 'erased' });
  const keys = await rows(`select from document_keys k where not exists (select from files f where f.key_id = k.id)`);
  expect(keys).toEqual([]);

  // Nothing fetches them again.
  await runCli(['reprocess', '--file', '-'], retention, simulator.idsCsv());
  await runCli(['worker', '--until-idle'], retention);
  expect((await objectsIn(folder)).filter(goes)).toEqual([]);
  // Once released, what was held goes, too.
  await run(['hold', '--release', '--transaction', held, '--reason', 'closed']);
  await runCli(['worker', '--until-idle'], retention);
  expect((await objectsIn(folder)).some((name) => name.startsWith(`${held}.document.`))).toBe(false);
});

test('what the vendor said of files that were never stored goes, too', async () => {
  const { rows, environment } = await storedMonth();
  // As a fetch records files that the vendor has no more.
  await rows(`update files set state = 'gone', error_code = 'vendor_gone', object_name = null, key_id = null, sha256 = null,
    bytes = null, media_type = null where kind = 'document'`);
  await rows(`update transactions set completed_at = now() - interval '40 days' where completed_at is not null`);
  const retention = { ...environment, RETENTION_DOCUMENTS_DAYS: '30' };
  const { runCli } = await import('../../support/cli.ts');
  expect((await runCli(['worker', '--until-idle'], retention)).code).toBe(0);
  const said = await rows(`select from files f join transactions t on t.id = f.transaction_id
    where kind = 'document' and t.completed_at is not null and num_nonnulls(category, type, name, url_sha256) > 0`);
  expect(said).toEqual([]);
});
