import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import type { TransactionFacts } from '../../src/domain/facts.ts';
import { openDatabase } from '../../src/db/database.ts';
import { closeMonth } from '../../src/jobs/month/close-month.ts';
import type { Context } from '../../src/jobs/context.ts';
import type { WrittenReport } from '../../src/jobs/month/write-files.ts';
import { verifyFolder } from '../../src/reports/verify.ts';
import { asOwner } from './books.ts';
import { facts, fetchedOf, register } from './facts.ts';
import type { CsvRow } from './report-files.ts';
import { recordFetched } from './single.ts';

/** Stores what a look at the vendor said. Each call is a later look. @param looks how many there were before. */
export function bookkeeper(context: Context, looks = 0) {
  let fence = looks;
  return async (id: string, more: Partial<TransactionFacts> = {}): Promise<void> => {
    await register(context.db, id);
    fence += 1;
    const outcome = fetchedOf(facts(id, more), { fence: String(fence), fetchedAt: new Date('2027-01-01T00:00:00Z') });
    await recordFetched(context.db.kysely, outcome, 0);
  };
}

/** Registers a transaction of which nothing is known, at a time of its own. @param failed whether fetching it was given up. */
export async function registerAt(
  { db, config }: Context,
  id: string,
  at: string,
  { failed = false } = {},
): Promise<void> {
  await register(db, id);
  const owner = openDatabase(asOwner(config.databaseUrl));
  try {
    await owner.kysely
      .updateTable('transactions')
      .set({ registered_at: new Date(at) })
      .where('id', '=', id)
      .execute();
    if (failed)
      await owner.kysely
        .updateTable('obligations')
        .set({ state: 'failed', sweep_at: null, last_error_code: 'vendor_gone', last_error_at: new Date(at) })
        .where('transaction_id', '=', id)
        .execute();
  } finally {
    await owner.close();
  }
}

export async function closeOrFail(
  context: Context,
  period: string,
  forcedReason: string | null = null,
  beginReason: string | null = null,
): Promise<WrittenReport> {
  const closed = await closeMonth(context, { period, closedBy: 'a test', forcedReason, beginReason });
  if ('counts' in closed) throw new Error(`blocked: ${JSON.stringify(closed.counts)}`);
  const { problems } = await verifyFolder(closed.directory);
  if (problems.length > 0) throw new Error(`does not verify: ${JSON.stringify(problems)}`);
  return closed;
}

/** Rows of a published file, closed or not. */
export async function rowsOf(
  context: Context,
  period: string,
  kind: string,
  status = 'provisional',
): Promise<CsvRow[]> {
  const file = path.join(context.config.reportsDir, period, `idscan-cost_${period}_${status}_${kind}.csv`);
  return parse(await readFile(file), { columns: true });
}
