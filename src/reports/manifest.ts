import { createHash } from 'node:crypto';
import type { Span } from '../domain/billing-month.ts';
import type { RuleTable } from '../domain/classify.ts';
import type { Totals } from '../domain/report-lines.ts';
import type { DataFile } from '../reference-data/data-file.ts';
import type { PriceList } from '../domain/prices.ts';
import { money, type ReportHead } from './files.ts';
import type { DraftFile } from './draft-file.ts';

export type ManifestInput = {
  readonly head: ReportHead;
  readonly span: Span;
  readonly timeZone: string;
  readonly lines: { readonly totals: Totals };
  readonly discrepancies: number;
  readonly minimum: bigint | undefined;
  /** The blockers that a forced close passed. */
  readonly blockers?: Readonly<Record<string, number>> | undefined;
  /** The earlier instant that the figures show; `null` = now. */
  readonly asOf?: Date | null;
  readonly openItems: { readonly unsettledTransactions: number; readonly unfetchedTransactions: number };
  readonly rules: DataFile<readonly RuleTable[]>;
  readonly prices: DataFile<PriceList> | undefined;
  readonly files: readonly DraftFile[];
};

/**
 * Describes a set of files: names, hashes, control totals, and the rules and prices used. Contains no time of writing,
 * so the same books give the same bytes.
 */
export function manifestOf(input: ManifestInput): Buffer {
  const { head, span, rules, prices, minimum } = input;
  const { totals } = input.lines;
  const manifest = {
    format: 'idscan-ledger-manifest-1',
    period: head.period,
    period_status: head.status,
    version: head.status === 'closed' ? 1 : null,
    layout: head.layout,
    as_of: input.asOf?.toISOString() ?? null,
    bounds: { start: instant(span.start), end: instant(span.end), time_zone: input.timeZone },
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
      monthly_minimum: minimum === undefined ? null : money(minimum, head.priceList),
      corrections: Number(totals.corrections),
      discrepancies: input.discrepancies,
      unsettled_transactions: input.openItems.unsettledTransactions,
      unfetched_transactions: input.openItems.unfetchedTransactions,
    },
    rule_tables: { sha256: rules.sha256, versions: rules.content.map(({ version }) => version) },
    price_list: prices
      ? { sha256: prices.sha256, version: prices.content.version, currency: prices.content.currency }
      : null,
    closed_in_spite_of: input.blockers ?? null,
    files: input.files.map(({ name, sha256, bytes, rows }) => ({ name, sha256, bytes, rows })),
  };
  return sealed(manifest);
}

const unsealed = '0'.repeat(64);

/** Adds the manifest's own hash, computed over its bytes with zeros in place of the hash's 64 digits. */
export function sealed(manifest: object): Buffer {
  const text = `${JSON.stringify({ ...manifest, sha256: unsealed }, null, 2)}\n`;
  const sha256 = createHash('sha256').update(text).digest('hex');
  return Buffer.from(text.replace(`"sha256": "${unsealed}"\n}`, `"sha256": "${sha256}"\n}`));
}

const seal = /"sha256": "([0-9a-f]{64})"\n}\n$/;

/** Whether a manifest still has the bytes that it was sealed with. */
export function isSealIntact(manifest: Buffer): boolean {
  const text = manifest.toString('latin1');
  const sha256 = seal.exec(text)?.[1];
  if (sha256 === undefined) return false;
  const blank = text.replace(seal, `"sha256": "${unsealed}"\n}\n`);
  return createHash('sha256').update(Buffer.from(blank, 'latin1')).digest('hex') === sha256;
}

const instant = (date: Date): string => date.toISOString().replace('.000Z', 'Z');
