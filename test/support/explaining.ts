import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import type { TransactionFacts } from '../../src/domain/facts.ts';
import type { Context } from '../../src/jobs/context.ts';
import { explain } from '../../src/jobs/explain/explain.ts';
import type { ExplainedAttempt, ExplainedLine } from '../../src/jobs/explain/explanation.ts';
import { createTestContext } from './books.ts';
import { bookkeeper } from './closing.ts';
import { scan, scanTask } from './facts.ts';

/** After all months of the tests. */
export const now = () => new Date('2027-01-02T00:00:00Z');
/** A transaction that was completed ten minutes after it began. */
export const completedAt = (at: string): Partial<TransactionFacts> => ({
  createdAt: new Date(at),
  expiresAt: new Date(Date.parse(at) + 7_200_000),
  completedAt: new Date(Date.parse(at) + 600_000),
});

/** Empty books, and what is looked up for them. */
export async function explainedBooks() {
  const context: Context = { ...(await createTestContext()), now };
  const look = bookkeeper(context);
  const oneScan = (id: string, at: string, code: string | null = null) =>
    look(id, { ...completedAt(at), tasks: [scanTask([scan(at, code)])] });
  return { context, look, oneScan };
}

export async function attemptOf(context: Context, id: string, index = 0): Promise<ExplainedAttempt> {
  return (await explain(context, id)).attempts[index]!;
}

/** What a line says, in the words of the detail file. */
export const cells = (line: ExplainedLine) => ({
  quantity: String(line.quantity),
  outcome_code: line.code ?? '',
  invoiced: line.decision.invoiced === null ? '' : String(line.decision.invoiced),
  reason: line.decision.reason,
  unit_price: line.price.unitPrice ?? '',
  amount: line.price.amount ?? '',
  currency: line.price.currency ?? '',
  rule_table_version: line.decision.ruleTableVersion ?? '',
  price_list_version: line.price.listVersion ?? '',
  price_tier: line.price.tier ?? '',
  corrects_period: line.correctsPeriod ?? '',
  is_correction: String(line.correctsPeriod !== null),
  counter_status: line.counterStatus,
});

/** The very line of the published file that an explanation names. */
export async function namedRow(context: Context, { period, file, fileLine }: ExplainedLine) {
  const lines = (await readFile(path.join(context.config.reportsDir, period, file), 'utf8')).split('\r\n');
  const [row] = parse(`${lines[0] ?? ''}\n${lines[(fileLine ?? 0) - 1] ?? ''}`, { columns: true });
  return row as Record<string, string>;
}
