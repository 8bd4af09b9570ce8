import { describe, expect, test } from 'vitest';
import { recordIntake } from '../../../src/db/intake.ts';
import { explain } from '../../../src/jobs/explain/explain.ts';
import type { ExplainedAttempt } from '../../../src/jobs/explain/explanation.ts';
import { writeReport } from '../../../src/jobs/month/write-report.ts';
import { parsePriceList } from '../../../src/reference-data/price-list.ts';
import { parseRuleTables } from '../../../src/reference-data/rule-tables.ts';
import { closeOrFail, rowsOf } from '../../support/closing.ts';
import { attemptOf, cells, explainedBooks, now } from '../../support/explaining.ts';
import { faceTask, register, scan, scanTask } from '../../support/facts.ts';

describe('an attempt of an open month', () => {
  test('will be in that month’s report, with the line that the report has', async () => {
    const { context, look } = await explainedBooks();
    await look('t-1', { tasks: [scanTask([scan('2026-10-05T10:05:00Z', 'age_criteria_not_met')])] });
    const { attempts, transaction, problems, lateChange } = await explain(context, 't-1');
    expect(transaction).toMatchObject({ settled: true, settlement: 'completed' });
    expect([problems, lateChange]).toEqual([[], null]);
    expect(attempts).toHaveLength(1);
    const [{ present, lines }] = attempts as [ExplainedAttempt];
    expect(present).toMatchObject({
      code: 'age_criteria_not_met',
      evidence: 'scan_list',
      timeBasis: 'scan_created',
      decisionDue: null,
      decision: {
        invoiced: true,
        reason: 'code_invoiced',
        ruleTableVersion: 'id-scan-1',
        isReproduced: true,
        rule: { kind: 'code', taskType: 'document_scan', outcomeCode: 'age_criteria_not_met', invoiced: true },
        ruleTable: { sha256: context.rules.sha256, source: context.rules.content[0]!.source },
      },
      month: { period: '2026-10', state: 'open', timeZone: 'UTC', start: new Date('2026-10-01T00:00:00Z') },
    });
    expect(lines).toMatchObject([
      {
        status: 'provisional',
        period: '2026-10',
        file: 'idscan-cost_2026-10_provisional_detail.csv',
        row: null,
        price: { listVersion: 'example-2026', currency: 'EUR', model: 'flat', unitPrice: '0.85', amount: '0.85' },
      },
    ]);
    await writeReport(context, '2026-10');
    expect(await rowsOf(context, '2026-10', 'detail')).toMatchObject([cells(lines[0]!)]);
  });

  test('without a rule or a price says so', async () => {
    const { context, look } = await explainedBooks();
    const [price] = context.prices!.content.prices;
    const priced = {
      ...context,
      prices: { ...context.prices!, content: { ...context.prices!.content, prices: [price!] } },
    };
    await look('t-1', { tasks: [scanTask([scan('2026-10-05T10:05:00Z', 'new_code')]), faceTask('face_match')] });
    const { attempts } = await explain(priced, 't-1');
    expect(attempts[0]).toMatchObject({
      present: { decision: { invoiced: null, reason: 'code_without_rule', rule: null, isReproduced: true } },
      lines: [{ price: { unitPrice: '0.85', amount: null } }],
    });
    expect(attempts[1]).toMatchObject({
      present: {
        timeBasis: 'transaction_completed',
        evidence: 'task_completed_transaction',
        decision: { rule: { kind: 'code', taskType: 'face_match', outcomeCode: null, invoiced: true } },
      },
      lines: [{ price: { listVersion: 'example-2026', model: null, unitPrice: null, amount: null } }],
    });
    const unpriced = await attemptOf({ ...context, prices: undefined }, 't-1');
    expect(unpriced.lines[0]?.price).toMatchObject({ listVersion: null, currency: null, amount: null });
  });

  test('with tiers has its position in the month, and the tier that it falls in', async () => {
    const { context, oneScan } = await explainedBooks();
    const tiers = [
      { up_to: 2, unit_price: '1' },
      { up_to: null, unit_price: '0.5' },
    ];
    const entry = { task_type: 'document_scan', level: null, effective_from: '2026-01-01', effective_to: null };
    const list = {
      version: 'p1',
      currency: 'EUR',
      source: 'a test',
      prices: [{ ...entry, model: 'graduated', tiers }],
    };
    const tiered = { ...context, prices: parsePriceList(Buffer.from(JSON.stringify(list)), 'a test') };
    for (const [index, code] of [null, 'processing', null, null].entries())
      await oneScan(`t-${index}`, `2026-10-0${index + 1}T10:00:00Z`, code);
    const of = async (id: string) => (await attemptOf(tiered, id)).lines[0]!.price;
    expect(await of('t-2')).toMatchObject({ model: 'graduated', position: '2', tier: '1 to 2', unitPrice: '1.00' });
    expect(await of('t-3')).toMatchObject({ model: 'graduated', position: '3', tier: 'from 3', unitPrice: '0.50' });
    expect(await of('t-1')).toMatchObject({ position: null, amount: '0.00' });
    await closeOrFail(tiered, '2026-10', 'one is still being processed');
    expect(await of('t-3')).toMatchObject({ position: '3', tier: 'from 3', amount: '0.50' });
  });

  test('that new rules decide otherwise says so before the report does it', async () => {
    const { context, oneScan } = await explainedBooks();
    await oneScan('t-1', '2026-10-05T10:05:00Z', 'new_code');
    const { tables } = JSON.parse(context.rules.bytes.toString()) as { tables: { rules: object[] }[] };
    tables[0]!.rules.push({ task_type: 'document_scan', outcome_code: 'new_code', invoiced: true });
    const changed = JSON.stringify({ tables: tables.map((one) => ({ ...one, version: 'id-scan-1b' })) });
    const next = { ...context, rules: parseRuleTables(Buffer.from(changed), 'a test') };
    const before = await explain(next, 't-1');
    expect(before.problems).toMatchObject([{ code: 'decision_due' }, { code: 'decision_not_reproduced' }]);
    expect(before.attempts[0]?.present).toMatchObject({
      decision: { invoiced: null, ruleTableVersion: 'id-scan-1', isReproduced: null, ruleTable: null },
      decisionDue: { invoiced: true, ruleTableVersion: 'id-scan-1b', rule: { outcomeCode: 'new_code' } },
    });
    await writeReport(next, '2026-10');
    const after = await explain(next, 't-1');
    expect(after.problems).toEqual([]);
    expect(after.attempts[0]?.present).toMatchObject({ decision: { invoiced: true }, decisionDue: null });
  });
});

describe('a transaction', () => {
  test('has the vendor’s counters beside ours', async () => {
    const { context, look } = await explainedBooks();
    await look('t-1', {
      tasks: [scanTask([scan('2026-10-05T10:05:00Z', null)], { attemptsInvoiced: 3 }), faceTask('face_match')],
    });
    expect((await explain(context, 't-1')).tasks).toMatchObject([
      {
        taskType: 'document_scan',
        vendorAttemptsInvoiced: 3,
        ownInvoiced: 1,
        counterStatus: 'mismatch',
        attemptsStatus: 'match',
      },
      { taskType: 'face_match', vendorAttemptsInvoiced: null, ownInvoiced: 1, counterStatus: 'absent' },
    ]);
  });

  test('abandoned without a result is explained like any other', async () => {
    const { context, look } = await explainedBooks();
    await look('t-1', { state: 'pending', completedAt: null, tasks: [scanTask([scan('2026-10-05T10:05:00Z', null)])] });
    const { transaction, attempts } = await explain(context, 't-1');
    expect(transaction).toMatchObject({ resultId: null, settled: true, settlement: 'expired' });
    expect(attempts[0]?.lines).toMatchObject([
      { resultId: null, transactionState: 'pending', price: { amount: '0.85' } },
    ]);
  });

  test('that was never fetched, or given up, says what is left to do', async () => {
    const { context } = await explainedBooks();
    await register(context.db, 't-1');
    expect(await explain(context, 't-1')).toMatchObject({
      transaction: { settled: false, settlement: 'not_fetched', state: null, settledFrom: null },
      work: [{ kind: 'result', state: 'due', isWanted: true, lastErrorCode: null }],
      tasks: [],
      attempts: [],
      files: [],
      problems: [],
    });
    await context.db.kysely
      .updateTable('obligations')
      .set({ state: 'failed', sweep_at: null, last_error_code: 'vendor_not_found', last_error_at: now() })
      .execute();
    expect(await explain(context, 't-1')).toMatchObject({
      transaction: { nextLookAt: null },
      work: [{ state: 'failed', lastErrorCode: 'vendor_not_found', lastErrorAt: now() }],
    });
  });

  test('says what became of its files, without names and addresses', async () => {
    const { context, look } = await explainedBooks();
    await look('t-1');
    const place = { transaction_id: 't-1', kind: 'document' as const, origin: 'result' };
    const labels = { category: 'document', type: 'front', name: 'Passport NLD', url_sha256: 'a'.repeat(64) };
    await context.db.kysely
      .insertInto('files')
      .values([
        { ...place, ...labels, position: 0, state: 'gone', error_code: 'vendor_gone' },
        {
          ...place,
          ...labels,
          position: 1,
          state: 'stored',
          sha256: 'b'.repeat(64),
          bytes: 7,
          media_type: 'image/png',
        },
      ])
      .execute();
    const { files } = await explain(context, 't-1');
    expect(files).toMatchObject([
      { origin: 'result', position: 0, state: 'gone', errorCode: 'vendor_gone', category: 'document', type: 'front' },
      { position: 1, state: 'stored', bytes: '7', mediaType: 'image/png', errorCode: null },
    ]);
    expect(JSON.stringify(files)).not.toMatch(/NLD|aaaa|bbbb/);
  });
});

describe('an ID', () => {
  test('of a result finds its transaction; of both, the transaction is meant, and it says so', async () => {
    const { context } = await explainedBooks();
    await register(context.db, 't-1', 'r-1');
    await register(context.db, 't-2', 't-1');
    await register(context.db, 't-3', 'r-3');
    await recordIntake(context.db.kysely, [{ transactionId: 't-3', resultId: 'r-other' }], 'file', 0);
    const asked = async (id: string) => {
      const { transaction, asked } = await explain(context, id);
      return [transaction.id, asked.foundAs, asked.otherTransactions];
    };
    expect(await asked('r-1')).toEqual(['t-1', 'result', []]);
    expect(await asked('t-1')).toEqual(['t-1', 'transaction', ['t-2']]);
    expect(await asked('r-other')).toEqual(['t-3', 'delivered_result', []]);
  });

  test.each(['t-404', '', "t'; drop table attempts; --", '\u001b[2J', 'x'.repeat(129)])('%j is unknown', async (id) => {
    const { context } = await explainedBooks();
    await expect(explain(context, id)).rejects.toMatchObject({ code: 'transaction_unknown' });
    await expect(explain(context, id)).rejects.toThrow(id === 't-404' ? /t-404/ : /^That is not an ID/);
  });
});
