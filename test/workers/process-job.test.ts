import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { reprocess } from '../../src/db/reprocess.ts';
import type { ObligationKind } from '../../src/db/schema.ts';
import { type ErrorCode, LedgerError } from '../../src/errors.ts';
import { noMeter } from '../../src/jobs/queue/meter.ts';
import { maxStarts } from '../../src/jobs/queue/queues.ts';
import { noBreaker } from '../../src/workers/breaker.ts';
import { createIsolation } from '../../src/workers/isolation.ts';
import { jobProcessor, type Perform } from '../../src/workers/process-job.ts';
import { GivenUp } from '../../src/workers/try-again.ts';
import { noStoreWatch } from '../../src/workers/store-watch.ts';
import { createTally } from '../../src/workers/tally.ts';
import { createTestContext, type TestContext } from '../support/books.ts';
import { facts, fetchedOf, register } from '../support/facts.ts';
import { finishObligation, recordFetched, startObligation } from '../support/single.ts';

let context: TestContext;
let next = 0;
beforeAll(async () => {
  context = await createTestContext();
});

/** A transaction whose documents and audit report are due. */
async function newTransaction(): Promise<string> {
  const transactionId = `files-${(next += 1)}`;
  await register(context.db, transactionId, 'r');
  const basis = { documentsOffer: 'result:r', auditReportOffer: 'result:r' };
  await recordFetched(context.db.kysely, fetchedOf(facts(transactionId), { fence: '1', ...basis }), 0);
  return transactionId;
}

/** How work ends: well, if not told; `not noted` = well, and Postgres never learns of it. */
type Ends = Partial<Record<ObligationKind, () => Error | 'not noted'>>;

/** Runs a job whose work ends as told. */
async function runJob(transactionId: string, ends: Ends = {}, generation = 1) {
  const begun: ObligationKind[] = [];
  const atHand = new Set<ObligationKind>();
  let mostAtHand = 0;
  const perform =
    (kind: 'documents' | 'audit_report'): Perform =>
    async (_context, _id, { fence }) => {
      begun.push(kind);
      atHand.add(kind);
      mostAtHand = Math.max(mostAtHand, atHand.size);
      await delay(20);
      atHand.delete(kind);
      const end = ends[kind]?.();
      if (end instanceof Error) throw end;
      if (end === undefined) await finishObligation(context.db.kysely, { transactionId, kind }, fence);
      return 'done';
    };
  const process = jobProcessor(
    context,
    ['documents', 'audit_report'],
    { result: perform('documents'), documents: perform('documents'), audit_report: perform('audit_report') },
    {
      tally: createTally(),
      meter: noMeter,
      breaker: noBreaker,
      isolation: createIsolation(),
      store: noStoreWatch,
      unnotedEnds: [],
      databaseAway: new Map(),
    },
  );
  const failure: unknown = await process({ data: { kind: 'files', transactionId, generation } }).then(
    () => undefined,
    (error: unknown) => error,
  );
  return { begun: begun.sort(), mostAtHand, failure };
}

/** Starts that never end, as of workers that died. */
async function startTimes(transactionId: string, kind: ObligationKind, times: number): Promise<void> {
  for (let start = 0; start < times; start += 1)
    await startObligation(context.db.kysely, { transactionId, kind, generation: 1 }, 0);
}

const failing = (code: ErrorCode, retryAfterMs?: number) => {
  const error = new LedgerError(code, 'as told', retryAfterMs === undefined ? {} : { fields: { retryAfterMs } });
  return () => error;
};

async function states(transactionId: string) {
  const rows = await context.db.kysely
    .selectFrom('obligations')
    .select(['kind', 'state', 'attempts_made', 'last_error_code'])
    .where('transaction_id', '=', transactionId)
    .where('kind', '<>', 'result')
    .orderBy('kind')
    .execute();
  return rows.map(({ kind, state, attempts_made, last_error_code }) => [kind, state, attempts_made, last_error_code]);
}

const done = [
  ['audit_report', 'done', 0, null],
  ['documents', 'done', 0, null],
];

describe('a job with two kinds of work', () => {
  test('does both, and finds nothing to do when it comes again', async () => {
    const id = await newTransaction();
    expect(await runJob(id)).toEqual({ begun: ['audit_report', 'documents'], mostAtHand: 2, failure: undefined });
    expect(await states(id)).toEqual(done);
    expect(await runJob(id)).toEqual({ begun: [], mostAtHand: 0, failure: undefined });
  });

  test.each(['documents', 'audit_report'] as const)('keeps what is done when its %s come to nothing', async (kind) => {
    const id = await newTransaction();
    const error = failing('vendor_timeout');
    expect((await runJob(id, { [kind]: error })).failure).toMatchObject({ cause: error(), counts: true });
    expect(await states(id)).toEqual(done.map((one) => (one[0] === kind ? [kind, 'due', 1, 'vendor_timeout'] : one)));
    expect(await runJob(id)).toEqual({ begun: [kind], mostAtHand: 1, failure: undefined });
    expect(await states(id)).toEqual(done);
  });

  test('is tried again for one, though the other is given up', async () => {
    const id = await newTransaction();
    const passing = failing('vendor_timeout');
    const { failure } = await runJob(id, { documents: failing('vendor_forbidden'), audit_report: passing });
    expect(failure).toMatchObject({ name: 'TryAgain', counts: true, cause: passing() });
    expect(await states(id)).toEqual([
      ['audit_report', 'due', 1, 'vendor_timeout'],
      ['documents', 'failed', 1, 'vendor_forbidden'],
    ]);
    expect((await runJob(id)).begun).toEqual(['audit_report']);
  });

  test('is given up when nothing of it is left to try', async () => {
    const id = await newTransaction();
    const { failure } = await runJob(id, { documents: failing('vendor_forbidden') });
    expect(failure).toBeInstanceOf(GivenUp);
    expect((await states(id))[0]).toEqual(['audit_report', 'done', 0, null]);
  });

  test('comes back when the later of two delays is over', async () => {
    const id = await newTransaction();
    const [sooner, later] = [failing('vendor_unavailable', 1_000), failing('vendor_unavailable', 60_000)];
    expect((await runJob(id, { documents: sooner, audit_report: later })).failure).toMatchObject({
      cause: later(),
      delayMs: 60_000,
    });
    expect((await runJob(id, { documents: later, audit_report: sooner })).failure).toMatchObject({
      cause: later(),
      delayMs: 60_000,
    });
  });

  test('waits with all others when the vendor asks for a pause', async () => {
    const id = await newTransaction();
    const ends = { documents: failing('vendor_unavailable', 1), audit_report: failing('vendor_rate_limited', 1_000) };
    expect((await runJob(id, ends)).failure).toMatchObject({ name: 'TryAgain', counts: false });
    const later = failing('vendor_unavailable', 60_000);
    expect((await runJob(id, { ...ends, documents: later })).failure).toMatchObject({
      cause: later(),
      delayMs: 60_000,
    });
  });

  test('leaves alone what was asked for after it', async () => {
    const id = await newTransaction();
    const wish = { requestedBy: 'me', reason: null, filter: {} };
    await reprocess(context.db.kysely, { transactionIds: [id] }, ['documents'], wish);
    expect((await runJob(id, { audit_report: failing('vendor_timeout') }, 1)).begun).toEqual(['audit_report']);
    expect((await runJob(id, {}, 2)).begun).toEqual(['documents']);
    expect((await runJob(id, {}, 1)).begun).toEqual(['audit_report']);
  });

  test.each([
    ['documents', ['documents']],
    ['both', ['documents', 'audit_report']],
  ] as const)('does what was at hand at two deaths by itself: %s', async (_name, suspects) => {
    const id = await newTransaction();
    for (const kind of suspects) await startTimes(id, kind, 2);
    expect(await runJob(id)).toEqual({ begun: ['audit_report', 'documents'], mostAtHand: 1, failure: undefined });
    expect(await states(id)).toEqual(done);
  });

  test.each([
    ['may pass', 'vendor_timeout'],
    ['is final', 'vendor_forbidden'],
  ] as const)('does a suspect though the other one fails, with what %s', async (_name, code) => {
    const id = await newTransaction();
    await startTimes(id, 'documents', 2);
    expect((await runJob(id, { audit_report: failing(code) })).begun).toEqual(['audit_report', 'documents']);
    expect((await states(id))[1]).toEqual(done[1]);
  });

  test('forgives the starts of what Postgres kept from ending, and of nothing else', async () => {
    const id = await newTransaction();
    await startTimes(id, 'documents', 3);
    const error = failing('database_unavailable');
    const ends = { audit_report: error, documents: () => 'not noted' as const };
    expect((await runJob(id, ends)).failure).toBe(error());
    const rows = await context.db.kysely
      .selectFrom('obligations')
      .select(['kind', 'starts'])
      .where('transaction_id', '=', id)
      .where('kind', '<>', 'result')
      .orderBy('kind')
      .execute();
    // One stays, so that the next start looks for what this one may have stored.
    expect(rows).toEqual([
      { kind: 'audit_report', starts: 0 },
      { kind: 'documents', starts: 4 },
    ]);
  });

  test('gives up the kind of work that kills workers, and that one alone', async () => {
    const id = await newTransaction();
    await startTimes(id, 'audit_report', 2);
    await startTimes(id, 'documents', maxStarts);
    const { begun, failure } = await runJob(id);
    expect({ begun, isGivenUp: failure instanceof GivenUp }).toEqual({
      begun: ['audit_report'],
      isGivenUp: true,
    });
    expect(await states(id)).toEqual([done[0], ['documents', 'failed', 1, 'worker_died']]);
  });
});
