import { z } from 'zod';
import { taskTypes } from '../domain/facts.ts';
import { minorUnitDigits, parsePrice } from '../domain/money.ts';
import { type PriceList, priceProblems } from '../domain/prices.ts';
import { calendarDate, type DataFile, readDataFile, versionName } from './data-file.ts';

const price = z.string().transform((text, context) => {
  const micros = parsePrice(text);
  if (micros !== undefined) return micros;
  context.addIssue('must be a string of digits with at most 6 decimals, such as "0.3333"');
  return z.NEVER;
});

const schema = z.strictObject({
  version: versionName,
  currency: z.string().refine((code) => /^[A-Z]{3}$/.test(code) && Intl.supportedValuesOf('currency').includes(code), {
    error: 'must be an ISO 4217 currency code such as EUR',
  }),
  source: z.string().min(1),
  prices: z
    .array(
      z.strictObject({
        task_type: z.enum(taskTypes),
        level: z.string().min(1).max(100).nullable(),
        effective_from: calendarDate,
        effective_to: calendarDate.nullable(),
        unit_price: price,
      }),
    )
    .min(1),
});

/**
 * Reads a price list: one currency; per task type and level, prices that follow one another without gap or overlap.
 *
 * @throws LedgerError `data_file_invalid` with every problem.
 */
export function readPriceList(path: string): DataFile<PriceList> {
  return readDataFile(
    path,
    schema,
    (raw) => {
      const prices = raw.prices.map((one) => ({
        taskType: one.task_type,
        level: one.level,
        effectiveFrom: one.effective_from,
        effectiveTo: one.effective_to,
        unitPrice: one.unit_price,
      }));
      return {
        content: {
          version: raw.version,
          currency: raw.currency,
          minorDigits: minorUnitDigits(raw.currency),
          source: raw.source,
          prices,
        },
        problems: priceProblems(prices),
      };
    },
    looseProblems,
  );
}

const datedEntry = z.object({
  task_type: z.string(),
  level: z.string().nullable(),
  effective_from: calendarDate,
  effective_to: calendarDate.nullable(),
});

/** Gaps and overlaps among the entries that have dates, whatever else is wrong in the file. */
function looseProblems(json: unknown): string[] {
  const entries = z.object({ prices: z.array(z.unknown()) }).safeParse(json).data?.prices ?? [];
  const dated = entries.flatMap((entry) => datedEntry.safeParse(entry).data ?? []);
  return priceProblems(
    dated.map((one) => ({
      taskType: one.task_type,
      level: one.level,
      effectiveFrom: one.effective_from,
      effectiveTo: one.effective_to,
      unitPrice: 0n,
    })),
  );
}
