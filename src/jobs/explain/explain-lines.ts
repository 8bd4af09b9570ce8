import type { BookedLineRow, LineRow } from '../../db/explain-lines.ts';
import type { Queries } from '../../db/database.ts';
import type { PeriodClose } from '../../db/period-closes.ts';
import { keptFile } from '../../db/reference.ts';
import { type Decision, decisionBehind, type RuleTable } from '../../domain/classify.ts';
import { type PriceList, priceAt } from '../../domain/prices.ts';
import { reasonMeaning } from '../../domain/wording.ts';
import { parseRuleTables } from '../../reference-data/rule-tables.ts';
import { fileName } from '../../reports/files.ts';
import type { Context } from '../context.ts';
import type { ExplainedClose, ExplainedDecision, ExplainedLine, ExplainedPrice, RuleTableNote } from './explanation.ts';
import { closedPriceList } from '../month/references.ts';

/** A rule table, and the hash of the file that contains it. */
type FoundTable = { readonly table: RuleTable; readonly sha256: string };

/** What lines depend on: the closed months with the rules and prices kept for them, and those loaded now. */
export type Archive = {
  readonly closes: readonly PeriodClose[];
  /**
   * Finds the table of a version: in the rules of the given close, else those loaded now, else those of the latest
   * close that has it.
   */
  readonly ruleTable: (version: string, close: PeriodClose | undefined) => Promise<FoundTable | undefined>;
  /** Finds the price list of a version, in the same order. */
  readonly priceList: (version: string, close: PeriodClose | undefined) => Promise<PriceList | undefined>;
  readonly timeZone: string;
};

/** Opens the archive. Each kept file is read at most once. */
export function openArchive(
  { rules, prices, config }: Pick<Context, 'rules' | 'prices' | 'config'>,
  queries: Queries,
  closes: readonly PeriodClose[],
): Archive {
  const tables = new Map<string, readonly RuleTable[]>([[rules.sha256, rules.content]]);
  const tablesOf = async (sha256: string): Promise<readonly RuleTable[]> => {
    const known = tables.get(sha256);
    if (known) return known;
    const bytes = await keptFile(queries, sha256);
    const read = bytes ? parseRuleTables(bytes, `the rules kept under ${sha256}`).content : [];
    tables.set(sha256, read);
    return read;
  };
  const lists = new Map<string, PriceList | undefined>();
  const priceListOf = async (close: PeriodClose): Promise<PriceList | undefined> => {
    if (!lists.has(close.period)) lists.set(close.period, await closedPriceList(queries, close));
    return lists.get(close.period);
  };
  const lastFirst = closes.toReversed();
  return {
    closes,
    timeZone: config.billingTimeZone,
    ruleTable: async (version, close) => {
      const files = [...(close ? [close.rulesSha256] : []), rules.sha256, ...lastFirst.map((one) => one.rulesSha256)];
      for (const sha256 of new Set(files)) {
        const table = (await tablesOf(sha256)).find((one) => one.version === version);
        if (table) return { table, sha256 };
      }
      return undefined;
    },
    priceList: async (version, close) => {
      const frozen = close && (await priceListOf(close));
      for (const list of [frozen, prices?.content]) if (list?.version === version) return list;
      for (const one of lastFirst) {
        const list = await priceListOf(one);
        if (list?.version === version) return list;
      }
      return undefined;
    },
  };
}

const noteOf = ({ table, sha256 }: FoundTable): RuleTableNote => ({
  version: table.version,
  effectiveFrom: table.effectiveFrom,
  effectiveTo: table.effectiveTo,
  source: table.source,
  sha256,
});

/** Explains why an attempt was decided as it was. @param close the one that froze the decision; `undefined` = none. */
export async function explainDecision(
  archive: Archive,
  decided: Decision & { readonly taskType: string; readonly code: string | null },
  close?: PeriodClose,
): Promise<ExplainedDecision> {
  const { invoiced, reason, ruleTableVersion } = decided;
  const found = ruleTableVersion === null ? undefined : await archive.ruleTable(ruleTableVersion, close);
  const behind = decisionBehind(decided, found?.table);
  return {
    invoiced,
    reason,
    ruleTableVersion,
    reasonMeaning: reasonMeaning[reason],
    rule: behind?.rule ?? null,
    ruleTable: found ? noteOf(found) : null,
    isReproduced: ruleTableVersion !== null && !found ? null : behind !== undefined,
  };
}

/** Explains a booked line, with the place of its row in the published file. */
export async function explainBooked(archive: Archive, row: BookedLineRow): Promise<ExplainedLine> {
  const close = archive.closes.find(({ period }) => period === row.period);
  const number = Number(row.line_number);
  return {
    ...(await explainLine(archive, row, row.period, close)),
    status: 'booked',
    row: number,
    fileLine: number + 1,
    close: close ? closeNote(close) : null,
    file: fileName({ period: row.period, status: 'closed' }, 'detail'),
  };
}

/** Explains a line that the report of an open month has now. */
export async function explainProvisional(archive: Archive, row: LineRow, period: string): Promise<ExplainedLine> {
  return {
    ...(await explainLine(archive, row, period, undefined)),
    status: 'provisional',
    row: null,
    fileLine: null,
    close: null,
    file: fileName({ period, status: 'provisional' }, 'detail'),
  };
}

const closeNote = (close: PeriodClose): ExplainedClose => ({
  version: close.version,
  closedAt: close.closedAt,
  closedBy: close.closedBy,
  forcedReason: close.forcedReason,
  manifestSha256: close.manifestSha256,
  rulesSha256: close.rulesSha256,
  pricesSha256: close.pricesSha256,
});

async function explainLine(archive: Archive, row: LineRow, period: string, close: PeriodClose | undefined) {
  return {
    period,
    correctsPeriod: row.corrects_period,
    quantity: row.quantity,
    resultId: row.result_id,
    attemptedAt: row.attempted_at,
    code: row.code,
    transactionState: row.transaction_state,
    settled: row.settled,
    decision: await explainDecision(
      archive,
      {
        taskType: row.task_type,
        code: row.code,
        invoiced: row.invoiced,
        reason: row.reason,
        ruleTableVersion: row.rule_table_version,
      },
      close,
    ),
    // A correction is priced by the list of the month that it corrects, or by a later one if that has no price.
    price: await priceOf(archive, row, archive.closes.find((one) => one.period === row.corrects_period) ?? close),
    vendorAttempts: row.vendor_attempts,
    vendorAttemptsInvoiced: row.vendor_attempts_invoiced,
    counterStatus: row.counter_status,
  };
}

async function priceOf(archive: Archive, row: LineRow, close: PeriodClose | undefined): Promise<ExplainedPrice> {
  const version = row.price_list_version;
  const list = version === null ? undefined : await archive.priceList(version, close);
  const entry = list && priceAt(list, row.task_type, row.level, row.attempted_at, archive.timeZone);
  return {
    listVersion: version,
    currency: list?.currency ?? null,
    level: row.level,
    model: entry?.model ?? null,
    entryLevel: entry?.level ?? null,
    effectiveFrom: entry?.effectiveFrom ?? null,
    effectiveTo: entry?.effectiveTo ?? null,
    freeAllowance: entry && entry.freeAllowance > 0n ? String(entry.freeAllowance) : null,
    tier: row.price_tier,
    position: row.tier_position,
    unitPrice: row.unit_price,
    amount: row.amount,
  };
}
