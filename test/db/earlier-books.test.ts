import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { sql } from 'kysely';
import { Migrator } from 'kysely/migration';
import { expect, test } from 'vitest';
import { migrations } from '../../migrations/index.ts';
import { migrateUp, migrationNotes } from '../../src/db/migrate.ts';
import { recheckedMonths } from '../../src/db/settled-rechecks.ts';
import { periodOf, periodsBetween, previousPeriod } from '../../src/domain/billing-month.ts';
import type { Context } from '../../src/jobs/context.ts';
import { writeReport } from '../../src/jobs/month/write-report.ts';
import { verifyFolder } from '../../src/reports/verify.ts';
import { asAdmin, asOwner, createEmptyDatabase, createTestContext, openTestDatabase } from '../support/books.ts';
import { rowsOf } from '../support/closing.ts';
import { noEarlierThan } from '../support/instants.ts';

type Dump = { readonly wrong: Record<string, string>; readonly tables: Record<string, unknown[]> };

/** Books that were made before attempts kept their identity: a closed month, and shorter lists that moved scans into others. */
async function oldBooks(): Promise<{ url: string; dump: Dump }> {
  const dump = JSON.parse(
    await readFile(path.join(import.meta.dirname, '../fixtures/earlier-books.json'), 'utf8'),
  ) as Dump;
  const url = await createEmptyDatabase();
  const owner = await openTestDatabase(url);
  const migrator = new Migrator({ db: owner.kysely, provider: { getMigrations: () => Promise.resolve(migrations) } });
  const { error } = await migrator.migrateTo('20261128020000_worker_heartbeats');
  expect(error).toBeUndefined();
  const admin = await openTestDatabase(asAdmin(url));
  await admin.kysely.transaction().execute(async (transaction) => {
    await sql`set local session_replication_role = replica`.execute(transaction);
    for (const [table, rows] of Object.entries(dump.tables)) {
      await sql`delete from ${sql.ref(table)}`.execute(transaction);
      await sql`
        insert into ${sql.ref(table)} overriding system value
        select * from jsonb_populate_recordset(null::${sql.ref(table)}, ${JSON.stringify(rows)}::jsonb)`.execute(
        transaction,
      );
      await sql`
        select setval(pg_get_serial_sequence(${table}, attname), 1000) from pg_attribute
        where attrelid = ${table}::regclass and attidentity <> ''`.execute(transaction);
    }
  });
  await migrateUp(owner);
  expect(await migrationNotes(owner, Object.keys(migrations))).toEqual(['2 attempts of 2 tasks were identified anew']);
  return { url, dump };
}

test('closed months are written again byte for byte, and open ones change where they were wrong', async () => {
  const { url, dump } = await oldBooks();
  const base = await createTestContext({ environment: { DATABASE_URL: asOwner(url) } });
  const context: Context = { ...base, now: noEarlierThan('2027-02-01T00:00:00Z') };
  const [close] = dump.tables['period_closes'] as { manifest: string; manifest_sha256: string }[];
  const closed = await writeReport(context, '2026-10');
  expect(closed.manifest.sha256).toBe(close?.manifest_sha256);
  // What was settled in months that have ended is not asked for again all at once.
  const current = periodOf(new Date(Date.now() - 14 * 3_600_000), 'UTC');
  expect([...(await recheckedMonths(base.db.kysely))].sort()).toEqual(
    periodsBetween('2026-10', previousPeriod(current)),
  );
  expect((await verifyFolder(closed.directory)).problems).toEqual([]);
  expect(Object.keys((await rowsOf(context, '2026-10', 'detail', 'v1'))[0] ?? {})).not.toContain('reference');
  // Each month had the other one's scan, too.
  expect(dump.wrong).toEqual({ '2026-11': '1', '2026-12': '2' });
  const november = await writeReport(context, '2026-11');
  expect(november.lines.totals).toMatchObject({ invoiced: 2n, corrections: 0n });
  expect((await writeReport(context, '2026-12')).lines.totals.invoiced).toBe(1n);
  expect((await verifyFolder(november.directory)).problems).toEqual([]);
  const row = (await rowsOf(context, '2026-11', 'detail'))[0];
  expect(row).toMatchObject({ transaction_id: 'shifted-closed', attempt: '2', reference: '' });
});
