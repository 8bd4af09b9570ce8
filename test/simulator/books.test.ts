import { afterEach, describe, expect, it } from 'vitest';
import { startSimulator } from '../../src/simulator/index.ts';
import type { Simulator, SimulatorOptions } from '../../src/simulator/index.ts';
import type { InvoiceLine } from '../../src/simulator/invoice.ts';
import { clientOf } from './client.ts';
import type { Details } from './client.ts';

/** The vendor's documentation, written out once more. */
const documentedTable: Readonly<Record<string, boolean>> = {
  processing: false,
  unknown_type_front: false,
  unknown_type_back: false,
  expiration_criteria_not_met: true,
  unable_to_determine_date_of_expiry: true,
  text_fields_analysis_failed: true,
  age_criteria_not_met: true,
  unable_to_determine_age: true,
  field_validation_failed: true,
  front_side_provided_back_side_required: true,
  back_side_provided_front_side_required: true,
  null: true,
};

type Counted = Pick<InvoiceLine, 'transactionId' | 'taskType' | 'attempt' | 'code' | 'level' | 'invoiced'> & {
  atMs: number | null;
};

let simulator: Simulator;
afterEach(() => simulator.close());

async function start(options: Partial<SimulatorOptions> = {}): Promise<Simulator> {
  simulator = await startSimulator({ seed: 'books', month: '2026-10', transactions: 400, ...options });
  return simulator;
}

/** Every attempt that the answers show. A face task of a transaction that never completed has no time of its own. */
function attemptsOf(details: Details): Counted[] {
  return details.tasks.flatMap((task): Counted[] => {
    const transactionId = details.id;
    if (task.type === 'document_scan') {
      return task.documentScans!.map(({ created, code }, position) => ({
        transactionId,
        taskType: 'document_scan',
        attempt: position + 1,
        atMs: Date.parse(created),
        code,
        level: task.level ?? null,
        invoiced: documentedTable[String(code)] ?? null,
      }));
    }
    if (task.state === 'pending') return [];
    const atMs = details.completed === null ? null : Date.parse(details.completed);
    const taskType = task.type as InvoiceLine['taskType'];
    const code = task.state === 'completed' ? null : task.state;
    return [{ transactionId, taskType, attempt: 1, atMs, code, level: null, invoiced: true }];
  });
}

async function recount(fromMs: number, toMs: number): Promise<string[]> {
  const client = clientOf(simulator);
  const all = await Promise.all(simulator.transactions.map(({ transactionId }) => client.details(transactionId)));
  return all
    .flatMap((details) =>
      attemptsOf(details).map((one) => ({
        ...one,
        atMs: one.atMs ?? Date.parse(details.created),
        isTimed: one.atMs !== null,
      })),
    )
    .filter(({ atMs }) => fromMs <= atMs && atMs < toMs)
    .map(({ atMs, isTimed, ...one }) => keyOf({ ...one, at: isTimed ? new Date(atMs).toISOString() : '' }))
    .sort();
}

function keyOf({ transactionId, taskType, attempt, at, code, level, invoiced }: InvoiceLine): string {
  return JSON.stringify([transactionId, taskType, attempt, at, code, level, invoiced]);
}

function invoiceKeys(month?: string): string[] {
  const isLeft = new Set(
    simulator.transactions.filter((one) => one.completedMs === null).map((one) => one.transactionId),
  );
  return simulator
    .invoice(undefined, month)
    .lines.map((line) =>
      keyOf(line.taskType !== 'document_scan' && isLeft.has(line.transactionId) ? { ...line, at: '' } : line),
    )
    .sort();
}

describe('the invoice says what the answers say', () => {
  it('for the month, line by line', async () => {
    await start();
    expect(await recount(Date.UTC(2026, 9), Date.UTC(2026, 10))).toEqual(invoiceKeys());
  });

  it('in a time zone', async () => {
    await start({ timeZone: 'Europe/Amsterdam', seed: 2 });
    const bounds = ['2026-09-30T22:00:00Z', '2026-10-31T23:00:00Z'].map((text) => Date.parse(text));
    expect(await recount(bounds[0]!, bounds[1]!)).toEqual(invoiceKeys());
  });

  it('with undocumented codes, whose billing it leaves open, and failed face tasks', async () => {
    await start({ unknownCodeShare: 0.3, incompleteKinds: ['face_failed', 'no_attempt'], seed: 3 });
    expect(await recount(Date.UTC(2026, 9), Date.UTC(2026, 10))).toEqual(invoiceKeys());
    expect(simulator.invoice().unknownCount).toBeGreaterThan(50);
    expect(simulator.invoice().lines.some(({ code, invoiced }) => code === 'failed' && invoiced === true)).toBe(true);
  });

  it('for the months before and after, so that no attempt is on two invoices or on none', async () => {
    await start();
    const september = invoiceKeys('2026-09');
    const november = invoiceKeys('2026-11');
    expect(september.length).toBeGreaterThan(0);
    expect(november.length).toBeGreaterThan(0);
    const three = [...september, ...invoiceKeys(), ...november].sort();
    expect(await recount(Date.UTC(2026, 8), Date.UTC(2026, 11))).toEqual(three);
  });

  it('adds up', async () => {
    await start({ unknownCodeShare: 0.2 });
    const invoice = simulator.invoice({
      currency: 'EUR',
      units: [
        { taskType: 'document_scan', level: null, unitPrice: '0.3333' },
        { taskType: 'document_scan', level: 'advanced', unitPrice: '0.415' },
        { taskType: 'face_liveness', level: null, unitPrice: '0.10' },
        { taskType: 'face_match', level: null, unitPrice: '0.000001' },
      ],
    });
    const { lines, invoicedCount, notInvoicedCount, unknownCount, groups, totalAmount } = invoice;
    expect(invoicedCount + notInvoicedCount + unknownCount).toBe(lines.length);
    expect(groups.reduce((sum, { quantity }) => sum + quantity, 0)).toBe(invoicedCount);
    const cents = groups.reduce((sum, { amount }) => sum + BigInt(amount!.replace('.', '')), 0n);
    expect(totalAmount!.replace('.', '')).toBe(cents.toString());
  });
});

describe('the counter', () => {
  const isWrong = (details: Details): boolean => {
    const task = details.tasks[0]!;
    return task.attemptsInvoiced !== task.documentScans!.filter(({ code }) => documentedTable[String(code)]).length;
  };

  it('agrees with the table, but for the share of transactions that is asked for', async () => {
    await start({ counterMismatchShare: 0.25 });
    const client = clientOf(simulator);
    const wrong = await Promise.all(
      simulator.transactions.map(async ({ transactionId }) => isWrong(await client.details(transactionId))),
    );
    expect(wrong).toEqual(simulator.transactions.map(({ isCounterWrong }) => isCounterWrong));
    expect(wrong.filter(Boolean).length).toBeGreaterThan(60);
    await simulator.close();
    await start();
    expect(simulator.transactions.some(({ isCounterWrong }) => isCounterWrong)).toBe(false);
  });

  it('and the list can be missing', async () => {
    await start({ counterMissingShare: 1, listMissingShare: 1 });
    const client = clientOf(simulator);
    for (const { transactionId, isListMissing, resultId, isAcrossMonths } of simulator.transactions.slice(0, 60)) {
      const task = (await client.details(transactionId)).tasks[0]!;
      expect(task.attemptsInvoiced).toBeUndefined();
      expect(task.documentScans === undefined).toBe(isListMissing);
      expect(isListMissing).toBe(resultId !== null && !isAcrossMonths);
    }
  });
});
