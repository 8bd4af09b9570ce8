import type { Span } from '../domain/billing-month.ts';
import type { RuleTable } from '../domain/classify.ts';
import type { Totals } from '../domain/report-lines.ts';
import type { DataFile } from '../reference-data/data-file.ts';
import type { PriceList } from '../domain/prices.ts';
import { money, type ReportHead } from './files.ts';
import type { DraftFile } from './publish.ts';

export type ManifestInput = {
  readonly head: ReportHead;
  readonly month: Span;
  readonly timeZone: string;
  readonly totals: Totals;
  readonly discrepancies: number;
  readonly openItems: { readonly unsettledTransactions: number; readonly unfetchedTransactions: number };
  readonly rules: DataFile<readonly RuleTable[]>;
  readonly prices: DataFile<PriceList> | undefined;
  readonly files: readonly DraftFile[];
};

/**
 * What a set of files is: names, hashes, control totals, and the rules and prices behind them. It holds no clock time:
 * the same books give the same bytes.
 */
export function manifestOf(input: ManifestInput): Buffer {
  const { head, month, totals, rules, prices } = input;
  const manifest = {
    format: 'idscan-ledger-manifest-1',
    period: head.period,
    period_status: head.status,
    bounds: { start: instant(month.start), end: instant(month.end), time_zone: input.timeZone },
    control_totals: {
      attempts: Number(totals.attempts),
      invoiced: Number(totals.invoiced),
      not_invoiced: Number(totals.notInvoiced),
      unclassified: Number(totals.unclassified),
      amount: money(totals.amount, head.priceList),
      unrounded_amount: money(totals.unroundedAmount, head.priceList),
      currency: head.priceList?.currency ?? null,
      unpriced: Number(totals.unpriced),
      vendor_counter: totals.vendorCounter === null ? null : Number(totals.vendorCounter),
      discrepancies: input.discrepancies,
      unsettled_transactions: input.openItems.unsettledTransactions,
      unfetched_transactions: input.openItems.unfetchedTransactions,
    },
    rule_tables: { sha256: rules.sha256, versions: rules.content.map(({ version }) => version) },
    price_list: prices
      ? { sha256: prices.sha256, version: prices.content.version, currency: prices.content.currency }
      : null,
    files: input.files.map(({ name, sha256, bytes, rows }) => ({ name, sha256, bytes, rows })),
  };
  return Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`);
}

const instant = (date: Date): string => date.toISOString().replace('.000Z', 'Z');
