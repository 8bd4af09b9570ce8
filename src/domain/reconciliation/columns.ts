import { column, type ReportColumn } from '../report-columns.ts';

const empty = { mayBeEmpty: true };

/** The columns of a reconciliation's files. They are only ever added, at the end. docs/files.md says what each means. */
export const reconciliationColumns = [
  column('period', 'month'),
  column('record_type', 'word'),
  column('finding', 'word', empty),
  column('invoice_number', 'text', empty),
  column('invoice_line', 'text', empty),
  column('task_type', 'text', empty),
  column('level', 'text', empty),
  column('effect', 'word', empty),
  column('cause', 'word', empty),
  column('subject', 'text', empty),
  column('certainty', 'word', empty),
  column('alternatives', 'text', empty),
  column('own_quantity', 'signed', empty),
  column('vendor_quantity', 'signed', empty),
  column('quantity_difference', 'signed', empty),
  column('own_unit_price', 'price', empty),
  column('vendor_unit_price', 'price', empty),
  column('own_amount', 'amount', empty),
  column('vendor_amount', 'amount', empty),
  column('amount_difference', 'amount', empty),
  column('currency', 'word'),
  column('likely_wrong', 'word', empty),
  column('decision', 'word', empty),
  column('evidence_rows', 'whole', empty),
  column('settled_amount', 'amount', empty),
  column('state', 'word', empty),
] as const satisfies readonly ReportColumn[];

export type ReconciliationHeader = (typeof reconciliationColumns)[number]['header'];

export const evidenceColumns = [
  column('period', 'month'),
  column('finding', 'word'),
  column('transaction_id', 'text'),
  column('task_type', 'text'),
  column('attempt', 'whole', empty),
  column('attempted_at', 'instant', empty),
  column('outcome_code', 'text', empty),
  column('own_invoiced', 'boolean', empty),
  column('vendor_invoiced', 'boolean', empty),
  column('counter', 'word', empty),
  column('note', 'word', empty),
] as const satisfies readonly ReportColumn[];
