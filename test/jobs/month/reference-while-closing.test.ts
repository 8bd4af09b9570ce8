import { sql } from 'kysely';
import pg from 'pg';
import { expect, test } from 'vitest';
import { resolveCreation } from '../../../src/db/creation-resolutions.ts';
import { intend, possiblyCreated, recordFailed } from '../../../src/db/creations.ts';
import type { Context } from '../../../src/jobs/context.ts';
import { writeReport } from '../../../src/jobs/month/write-report.ts';
import { asOwner, atEnd, createTestContext, waitFor } from '../../support/books.ts';
import { bookkeeper, closeOrFail, rowsOf } from '../../support/closing.ts';
import { noEarlierThan } from '../../support/instants.ts';

const october = '2026-10';

/** An attempt of October whose creation has no answer, and somebody who keeps a close from ending. */
async function books() {
  const context: Context = { ...(await createTestContext()), now: noEarlierThan('2027-01-01T00:00:00Z') };
  const { kysely } = context.db;
  await bookkeeper(context)('t-1');
  const wish = { idempotencyKey: null, requestSha256: '0'.repeat(64), reference: 'shop', askedBy: 'a test' };
  const { creation } = await intend(kysely, wish);
  await recordFailed(kysely, creation.id, 'vendor_timeout', false);
  const holder = new pg.Client({ connectionString: asOwner(context.config.databaseUrl) });
  await holder.connect();
  atEnd(() => holder.end());
  const resolve = () =>
    resolveCreation(context.db, creation.id, { transactionId: 't-1', by: 'anna', resolution: 'the portal' }, 0);
  const waiting = (what: string) =>
    waitFor(what, async () => {
      const { rows } = await sql`
        select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
          and query ilike ${`%${what}%`}`.execute(kysely);
      return rows.length > 0;
    });
  return { context, holder, resolve, waiting };
}

test('a reference that comes while a month is being closed waits, and the closed month keeps its bytes', async () => {
  const { context, holder, resolve, waiting } = await books();
  await holder.query('begin; lock table closed_lines in exclusive mode');
  const closed = closeOrFail(context, october);
  await waiting('insert into closed_lines');
  const resolved = resolve();
  await Promise.race([resolved, waiting('pg_advisory_xact_lock_shared')]);
  await holder.query('commit');
  const { manifest } = await closed;
  const outcome = await resolved;
  expect((await writeReport(context, october)).manifest.sha256).toBe(manifest.sha256);
  expect(outcome).toBe('resolved');
  expect(await rowsOf(context, october, 'references', 'v1')).toMatchObject([{ reference: '' }]);
  expect(await possiblyCreated(context.db.kysely, 9)).toEqual([]);
});

test('a reference that is being recorded when a close begins is in the month', async () => {
  const { context, holder, resolve, waiting } = await books();
  await holder.query('begin; lock table transaction_references in share mode');
  const resolved = resolve();
  await waiting('insert into transaction_references');
  const closed = closeOrFail(context, october);
  await waiting('pg_advisory_lock');
  await holder.query('commit');
  expect(await resolved).toBe('resolved');
  const { manifest } = await closed;
  expect((await writeReport(context, october)).manifest.sha256).toBe(manifest.sha256);
  expect(await rowsOf(context, october, 'references', 'v1')).toMatchObject([{ reference: 'shop' }]);
});
