import type { Micros } from '../../domain/money.ts';
import {
  type Cause,
  causes,
  type Certainty,
  type Effect,
  type LikelyWrong,
} from '../../domain/reconciliation/causes.ts';
import type { FindingState } from '../../domain/reconciliation/standing.ts';
import { amountOf, original } from '../verify/cells.ts';
import type { Row } from '../verify/reading.ts';

/** A finding as the published reconciliation has it. */
export type PublishedFinding = {
  readonly id: string;
  readonly invoiceNumber: string;
  readonly invoiceLine: string;
  readonly taskType: string;
  readonly level: string;
  readonly effect: Effect;
  readonly cause: Cause;
  readonly subject: string;
  readonly certainty: Certainty;
  readonly alternatives: string;
  readonly likelyWrong: LikelyWrong;
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
  readonly state: FindingState;
};

export function publishedFinding({ cell }: Pick<Row, 'cell'>): PublishedFinding {
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
    alternatives: text('alternatives'),
    likelyWrong: cell('likely_wrong') === '' ? null : (cell('likely_wrong') as LikelyWrong),
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
    state: cell('state') as FindingState,
  };
}
