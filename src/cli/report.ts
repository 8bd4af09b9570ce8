import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { composeBooks } from '../compose/books.ts';
import { requestReport } from '../db/report-runs.ts';
import { isPeriod } from '../domain/billing-month.ts';
import type { SummaryLine, Totals } from '../domain/report-lines.ts';
import { errorCode } from '../errors.ts';
import { type WrittenReport, writeReport } from '../jobs/write-report.ts';
import { money } from '../reports/files.ts';
import { count, instant, remark, say, table } from './output.ts';
import { type CommandInput, type ExitCode, usageError } from './run.ts';

/** `report <YYYY-MM> [--json] [--enqueue]` */
export async function report(
  { period, json, isEnqueued }: { period: string; json: boolean; isEnqueued: boolean },
  input: CommandInput,
): Promise<ExitCode> {
  if (!isPeriod(period)) throw usageError(`${period} is not a month.`, 'Write it as YYYY-MM, such as 2026-10.');
  if (isEnqueued) return enqueueReport(period, input);
  const { context, close } = await composeBooks(input.config);
  try {
    const written = await writeReport(context, period, null, input.signal);
    if (json) say(await asJson(written));
    else say(...reportLines(written, context.config.billingTimeZone));
    return 0;
  } finally {
    await close();
  }
}

async function enqueueReport(period: string, { config }: CommandInput): Promise<ExitCode> {
  const { composeQueues } = await import('../compose/queues.ts');
  const { context, close } = await composeQueues(config, { notice: remark });
  try {
    const generation = await requestReport(context.db.kysely, period, 'command_line', 0);
    await context.queues.wakeReport({ period, generation }).catch((error: unknown) => {
      if (errorCode(error) !== 'queue_unavailable') throw error;
      remark('Redis does not answer: the request is committed, and a worker finds it once Redis is back.');
    });
    say(`The report of ${period} is requested; a worker writes it.`);
    return 0;
  } finally {
    await close();
  }
}

async function asJson({ directory, manifest }: WrittenReport): Promise<string> {
  const content = JSON.parse(await readFile(path.join(directory, manifest.name), 'utf8')) as object;
  return JSON.stringify({ directory, manifest_sha256: manifest.sha256, ...content }, null, 2);
}

/** A report's figures and files for a person. */
export function reportLines(written: WrittenReport, timeZone: string): string[] {
  const { head, month, directory, lines, openItems, discrepancies, files, manifest } = written;
  const { summary, totals } = lines;
  const row = (name: string, level: string, line: SummaryLine | Totals, price: string): string[] => [
    ...[name, level, String(line.attempts), String(line.invoiced), String(line.notInvoiced), String(line.unclassified)],
    ...[price, money(line.amount, head.priceList) ?? '', line.vendorCounter === null ? '' : String(line.vendorCounter)],
  ];
  const currency = head.priceList ? ` ${head.priceList.currency}` : '';
  return [
    `Report of ${head.period} (${head.status}): ${instant(month.start)} to ${instant(month.end)}, months in ${timeZone}`,
    '',
    ...table(
      [
        'task type',
        'level',
        'attempts',
        'invoiced',
        'not invoiced',
        'unclassified',
        'unit price',
        `amount${currency}`,
        'vendor counter',
      ],
      [
        ...summary.map((line) =>
          row(line.taskType, line.level ?? '', line, money(line.unitPrice, head.priceList) ?? ''),
        ),
        row('TOTAL', '', totals, ''),
      ],
      [2, 3, 4, 5, 6, 7, 8],
    ),
    '',
    ...remarks(totals, openItems, discrepancies, head.priceList !== undefined),
    `Files in ${directory}:`,
    ...[...files, manifest].map(
      ({ name, rows, bytes }) =>
        `  ${name}${name.endsWith('.csv') ? `  ${count(rows, 'row')}` : ''}  ${count(bytes, 'byte')}`,
    ),
  ];
}

function remarks(
  totals: Totals,
  openItems: WrittenReport['openItems'],
  discrepancies: number,
  hasPrices: boolean,
): string[] {
  const lines: string[] = [];
  if (!hasPrices) lines.push('There are no prices: PRICES_FILE is not set, so all amounts are empty.');
  if (hasPrices && totals.unpriced > 0n)
    lines.push(
      `No price is known for ${count(totals.unpriced, 'invoiced attempt')}, so the total amount is empty: complete PRICES_FILE.`,
    );
  if (totals.unclassified > 0n)
    lines.push(
      `${count(totals.unclassified, 'attempt')} unclassified: no rule says whether they are invoiced. See the codes file.`,
    );
  if (discrepancies > 0)
    lines.push(`${count(discrepancies, 'disagreement')} with the vendor's counters: see the discrepancies file.`);
  const { unsettledTransactions, unfetchedTransactions } = openItems;
  if (unsettledTransactions > 0)
    lines.push(`${count(unsettledTransactions, 'transaction')} of this month may still change.`);
  if (unfetchedTransactions > 0)
    lines.push(`${count(unfetchedTransactions, 'transaction')} not fetched yet: they may belong to this month.`);
  return lines.length > 0 ? [...lines, ''] : lines;
}
