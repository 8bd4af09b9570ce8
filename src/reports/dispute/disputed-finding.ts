import type { Micros } from '../../domain/money.ts';
import { type Cause, causes, type Certainty, type Effect } from '../../domain/reconciliation/causes.ts';
import { amountOf, original } from '../verify/cells.ts';
import type { Row } from '../verify/reading.ts';

/** A finding that is disputed, as the published reconciliation has it. */
export type DisputedFinding = {
  readonly id: string;
  readonly invoiceNumber: string;
  readonly invoiceLine: string;
  readonly taskType: string;
  readonly level: string;
  readonly effect: Effect;
  readonly cause: Cause;
  readonly subject: string;
  readonly certainty: Certainty;
  readonly ownQuantity: bigint | null;
  readonly vendorQuantity: bigint | null;
  readonly quantity: bigint;
  readonly ownPrice: Micros | null;
  readonly vendorPrice: Micros | null;
  readonly ownAmount: Micros | null;
  readonly vendorAmount: Micros | null;
  readonly amount: Micros;
  readonly settled: Micros;
  readonly evidenceRows: number;
};

export function disputedFinding({ cell }: Pick<Row, 'cell'>): DisputedFinding {
  const text = (header: string) => original(cell(header));
  const count = (header: string) => (cell(header) === '' ? null : BigInt(cell(header)));
  const money = (header: string) => amountOf(cell(header));
  return {
    id: cell('finding'),
    invoiceNumber: text('invoice_number'),
    invoiceLine: text('invoice_line'),
    taskType: text('task_type'),
    level: text('level'),
    effect: cell('effect') as Effect,
    cause: causes.find((cause) => cause === cell('cause')) ?? 'unexplained',
    subject: text('subject'),
    certainty: cell('certainty') as Certainty,
    ownQuantity: count('own_quantity'),
    vendorQuantity: count('vendor_quantity'),
    quantity: count('quantity_difference') ?? 0n,
    ownPrice: money('own_unit_price'),
    vendorPrice: money('vendor_unit_price'),
    ownAmount: money('own_amount'),
    vendorAmount: money('vendor_amount'),
    amount: money('amount_difference') ?? 0n,
    settled: money('settled_amount') ?? 0n,
    evidenceRows: Number(cell('evidence_rows')),
  };
}
