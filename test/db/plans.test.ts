import pg from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import { Kysely, PostgresDialect } from 'kysely';
import { fillBooks } from '../../bench/fill.ts';
import { resultIdOf, transactionIdOf } from '../../bench/ids.ts';
import { attemptTotal, linesWith, listAttempts } from '../../src/db/attempt-list.ts';
import { isPlace } from '../../src/db/attempt-order.ts';
import { meaningsOf } from '../../src/db/explain.ts';
import { heldFiles, recordFiles } from '../../src/db/files.ts';
import { sampleOfClaimed } from '../../src/db/document-store.ts';
import { claimedFiles, filesAmiss, recordFindings } from '../../src/db/document-verifications.ts';
import { recordIntake } from '../../src/db/intake.ts';
import { ordinaryLines } from '../../src/db/lines.ts';
import { currentTables } from '../../src/db/tables-as-of.ts';
import {
  claimDue,
  failObligation,
  forgiveStarts,
  isAnyOverdue,
  kindsMissing,
  pendingWork,
  startObligations,
  withUnfinishedStarts,
} from '../../src/db/obligations.ts';
import { knownTransaction } from '../../src/db/known-transactions.ts';
import { recordFetched } from '../../src/db/record-fetched.ts';
import { detailQuery } from '../../src/db/report-files.ts';
import { attemptCounts, attemptGroups, firstAttemptAt, monthsWithAttempts } from '../../src/db/report-rows.ts';
import { recheckNext } from '../../src/db/settled-rechecks.ts';
import type { Queries } from '../../src/db/database.ts';
import { ordinaryDisagreements } from '../../src/db/disagreements.ts';
import { readFigures } from '../../src/db/figures.ts';
import { countDisagreements } from '../../src/db/month-figures.ts';
import { mismatchesByMonth } from '../../src/db/notifications.ts';
import type { Schema } from '../../src/db/schema.ts';
import { forMonths } from '../../src/db/snapshot.ts';
import { attemptSorts } from '../../src/domain/attempt-filter.ts';
import { monthBounds } from '../../src/domain/billing-month.ts';
import { asAdmin, atEnd, createTestDatabase } from '../support/books.ts';
import { facts, fetchedAfter, fetchedOf } from '../support/facts.ts';

const months = 48;
const month = '2026-10';

/** Tables that grow with the months, and those that grow with what is reported as late or closed. */
const growing = /^(attempts|tasks|transactions|intake|obligations|files|closed_lines|.*_history)$/;

let client: pg.Client;

async function connectTo(url: string): Promise<pg.Client> {
  const connected = new pg.Client({ connectionString: url });
  await connected.connect();
  atEnd(() => connected.end());
  return connected;
}

beforeAll(async () => {
  const url = await createTestDatabase();
  client = await connectTo(url);
  const admin = await connectTo(asAdmin(url));
  const query = async <Row extends pg.QueryResultRow>(text: string) => (await admin.query<Row>(text)).rows;
  await fillBooks({ query }, { attempts: 240_000, months });
}, 240_000);

type Plan = { 'Node Type': string; 'Relation Name'?: string; 'Index Cond'?: string; Plans?: Plan[] };

/** Asks for the plan of every statement that `work` sends, and has none of them done. */
async function plansOf(work: (db: Queries) => Promise<unknown>): Promise<Plan[]> {
  const found: Plan[] = [];
  let statements = 0;
  const look = (plan: Plan): void => {
    found.push(plan);
    plan.Plans?.forEach(look);
  };
  let turn: Promise<unknown> = Promise.resolve();
  const explained = (text: string, values: unknown[]) => {
    const answer = turn.then(async () => {
      statements += 1;
      const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(`explain (format json) ${text}`, values);
      look(rows[0]!['QUERY PLAN'][0].Plan);
      return { rows: [], rowCount: 0, command: 'SELECT' };
    });
    turn = answer;
    return answer;
  };
  const pool = {
    connect: () => Promise.resolve({ query: explained, release: () => undefined }),
    end: () => Promise.resolve(),
  };
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool: pool as unknown as pg.Pool }) });
  await work(db);
  expect(statements).toBeGreaterThan(0);
  return found;
}

async function sequentialScansOf(work: (db: Queries) => Promise<unknown>, of = growing): Promise<string[]> {
  return (await plansOf(work))
    .map((plan) => ({ node: plan['Node Type'], table: plan['Relation Name'] ?? '' }))
    .filter(({ node, table }) => node.includes('Seq Scan') && of.test(table))
    .map(({ node, table }) => `${node} on ${table}`);
}

const id = transactionIdOf(7);
const key = { transactionId: id, kind: 'result' } as const;
const startOf = (transactionId: string) => ({
  transactionId,
  kinds: ['documents', 'audit_report'] as const,
  generation: 1,
  maxUnfinished: 1,
});
const fifty = Array.from({ length: 50 }, (_, index) => transactionIdOf(index));
const filesOf = (transactionId: string) => ({
  transactionId,
  kind: 'documents' as const,
  fence: '1',
  isDone: true,
  files: [{ origin: 'result', position: 0, state: 'gone' as const, error_code: 'vendor_gone' }],
});
const unknown = { fence: '0', revision: '0', transaction: null };
const lookAt = (transactionId: string) =>
  fetchedOf(facts(transactionId), {
    fence: '2',
    documentsOffer: 'x',
    auditReportOffer: 'x',
    end: { end: 'postponed', dueAt: new Date() },
  });
const { start, end } = monthBounds(month, 'UTC');
const scope = {
  tables: currentTables,
  end,
  cells: [],
  stretches: [{ period: month, start, lists: [] }],
} as unknown as Parameters<typeof ordinaryLines>[0];

const hot: Record<string, (db: Queries) => Promise<unknown>> = {
  'the look for what a sweep would find': (db) => isAnyOverdue(db, ['result']),
  'the look for what is missing in queues': (db) => kindsMissing(db, [{ kind: 'result', jobs: 100 }], 10_000),
  'the sweep': (db) => claimDue(db, ['result'], { limit: 1_000, leaseMs: 10_000 }),
  'what is due': (db) => pendingWork(db, ['result', 'documents', 'audit_report']),
  'the start of a job': (db) => startObligations(db, [startOf(id)], 10_000),
  'starts without an end': (db) => withUnfinishedStarts(db, startOf(id), 1),
  'a failure': (db) =>
    failObligation(db, key, '1', { code: 'internal', counts: true, final: false, maxAttempts: 8, sweepAfterMs: 1 }),
  'starts forgiven': (db) => forgiveStarts(db, [key]),
  'starts of many jobs': (db) => startObligations(db, fifty.map(startOf), 10_000),
  'starts of as many jobs as a batch takes': (db) => startObligations(db, [...fifty, ...fifty].map(startOf), 10_000),
  'an outcome': (db) => recordFetched(db, [fetchedAfter(unknown, lookAt(id))], 10_000),
  'many outcomes': (db) =>
    recordFetched(
      db,
      fifty.map((one) => fetchedAfter(unknown, lookAt(one))),
      10_000,
    ),
  'what is known of a transaction': (db) => knownTransaction(db, id),
  'files that are held': (db) => heldFiles(db, id, 'document'),
  'a batch of files to verify': (db) => claimedFiles(db, new Date(), undefined, 100),
  'what was found of files': (db) => recordFindings(db, []),
  'files that are lost or damaged': (db) => filesAmiss(db),
  'a sample of what is claimed': (db) => sampleOfClaimed(db),
  'files, and the end of their fetching': (db) => recordFiles(db, [filesOf(id)]),
  'files of many jobs': (db) => recordFiles(db, fifty.map(filesOf)),
  intake: (db) =>
    recordIntake(
      db,
      Array.from({ length: 500 }, (_, index) => ({
        transactionId: transactionIdOf(index),
        resultId: resultIdOf(index),
      })),
      'file',
      10_000,
    ),
  'search by transaction or result': (db) => meaningsOf(db, resultIdOf(7)),
  'the oldest attempt': (db) => firstAttemptAt(db),
  'the next settled transactions to ask for again': (db) => recheckNext(db, month, { start, end }, new Date(), 1_000),
  'months with attempts': (db) => monthsWithAttempts(db, [{ start, end }]),
};

describe('no table that grows with the months is read from end to end by', () => {
  test.each(Object.entries(hot))('%s', async (_, work) => {
    expect(await sequentialScansOf(work)).toEqual([]);
  });

  test('settled transactions to ask for again are taken up where the last batch ended', async () => {
    const plans = await plansOf((db) => recheckNext(db, month, { start, end }, new Date(), 1_000));
    const conditions = plans.map((plan) => plan['Index Cond'] ?? '').filter((one) => one.includes('created_at'));
    expect(conditions).toEqual([expect.stringMatching(/ROW\(\w*\.?created_at, \w*\.?id\) > ROW\(/)]);
  });

  test('the report of one month among many', async () => {
    await client.query(forMonths);
    expect(await sequentialScansOf((db) => attemptCounts(db, scope))).toEqual([]);
    expect(await sequentialScansOf((db) => attemptGroups(db, ordinaryLines(scope)))).toEqual([]);
    const { select } = detailQuery(ordinaryLines(scope), month, null, 2);
    const scanned = await sequentialScansOf((db) => db.executeQuery({ sql: select, parameters: [] } as never));
    expect(scanned).toEqual([]);
  });

  const orders = attemptSorts.flatMap((by) => [false, true].map((isDescending) => ({ by, isDescending })));
  const placeOf = {
    attempted_at: [`${month}-15 10:00:00+00`],
    transaction_id: [],
    amount: ['0.85'],
    outcome_code: [''],
  } as const;
  test.each(orders)('a page of its attempts, by %o', async (order) => {
    await client.query(forMonths);
    const lines = linesWith(ordinaryLines(scope), { task: 'face_match', invoiced: 'true', day: `${month}-15` }, 'UTC');
    const place = [...placeOf[order.by], id, 'face_match', '1', '1', '', '0'];
    expect(isPlace(order, place)).toBe(true);
    expect(await sequentialScansOf((db) => attemptTotal(db, lines))).toEqual([]);
    for (const from of [null, { place, isBackwards: false }, { place, isBackwards: true }])
      expect(await sequentialScansOf((db) => listAttempts(db, lines, { order, from, limit: 101 }))).toEqual([]);
  });

  test.each(
    Object.entries({
      reports: (db: Queries) => countDisagreements(db, ordinaryDisagreements(scope)),
      notifications: (db: Queries) => mismatchesByMonth(db, [{ period: month, start, end }]),
      metrics: (db: Queries) => readFigures(db, start, month),
    }),
  )('the disagreements that %s look for', async (_, work) => {
    expect(await sequentialScansOf(work, /^tasks$/)).toEqual([]);
  });
});
