import type { Micros } from '../money.ts';
import type { Charge, SummaryLine } from '../report-lines.ts';
import type { UsageLine } from './lines.ts';

/** A month's own lines as an invoice has them: of each task type, level and price what is invoiced. */
export function usageLines(summary: readonly SummaryLine[]): UsageLine[] {
  const own = summary.filter(
    ({ correctsPeriod, invoiced, attempts }) => correctsPeriod === null && attempts !== 0n && invoiced !== 0n,
  );
  const groups = Map.groupBy(own, ({ taskType, level, unitPrice }) =>
    JSON.stringify([taskType, level, unitPrice?.toString() ?? null]),
  );
  return [...groups.values()].flatMap((same) => {
    const [first] = same;
    if (!first) return [];
    const { taskType, level, unitPrice } = first;
    const quantity = same.reduce((sum, line) => sum + line.invoiced, 0n);
    const amount = same.reduce<Micros | null>(
      (sum, line) => (sum === null || line.amount === null ? null : sum + line.amount),
      0n,
    );
    return [{ taskType, level, unitPrice, quantity, amount }];
  });
}

/** What tops the month itself up to its minimum. */
export const minimumOf = (charges: readonly Charge[]): Micros =>
  charges.filter(({ correctsPeriod }) => correctsPeriod === null).reduce((sum, { amount }) => sum + amount, 0n);
