import { z } from 'zod';
import { taskTypes } from '../domain/facts.ts';
import { isCurrency, minorUnitDigits, parsePrice } from '../domain/money.ts';
import type { Price, PriceList, PriceModel } from '../domain/prices.ts';
import {
  calendarDate,
  type DataFile,
  type Format,
  parseDataFile,
  readBytes,
  textOf,
  versionName,
} from './data-file.ts';
import { priceListProblems } from './price-list-checks.ts';

const priceMessage = 'must be a text of digits with at most 6 decimals after a point, such as "0.3333"';
const price = z.string({ error: priceMessage }).transform((text, context) => {
  const micros = parsePrice(text);
  if (micros !== undefined) return micros;
  context.addIssue(priceMessage);
  return z.NEVER;
});

const maxQuantity = 10 ** 12;
const quantity = (least: number, error: string) =>
  z.int({ error }).min(least, { error }).max(maxQuantity, { error }).transform(BigInt);

/** Accepted here, so that {@link priceListProblems} can say that the currency is named once for the whole list. */
const misplacedCurrency = z.unknown().optional();

const objectMessage = 'must be an object in braces';
const tier = z.strictObject(
  {
    up_to: quantity(1, 'must be a whole number from 1 to 10^12, or null for the last tier').nullable(),
    unit_price: price,
    currency: misplacedCurrency,
  },
  { error: objectMessage },
);

const entry = z.strictObject(
  {
    task_type: z.enum(taskTypes, { error: `must be one of ${taskTypes.map((type) => `"${type}"`).join(', ')}` }),
    level: textOf(100, 'must be a text of 1 to 100 characters, or null for every level without a price').nullable(),
    effective_from: calendarDate,
    effective_to: calendarDate.nullable(),
    model: z
      .enum(['flat', 'graduated', 'volume'], { error: 'must be "flat", "graduated" or "volume"; without it, flat' })
      .optional(),
    unit_price: price.optional(),
    tiers: z
      .array(tier, { error: 'must be a list of tiers' })
      .min(1, { error: 'must have at least one tier' })
      .optional(),
    free_allowance: quantity(0, 'must be a whole number from 0 to 10^12').optional(),
    currency: misplacedCurrency,
  },
  { error: objectMessage },
);

const minimum = z.strictObject(
  {
    effective_from: calendarDate,
    effective_to: calendarDate.nullable(),
    amount: price,
    currency: misplacedCurrency,
  },
  { error: objectMessage },
);

const currencyMessage = 'must be an ISO 4217 currency code such as "EUR", one for the whole list';
const schema = z.strictObject(
  {
    version: versionName,
    currency: z.string({ error: currencyMessage }).refine(isCurrency, { error: currencyMessage }),
    source: textOf(10_000, 'must be a text that says where the prices come from'),
    prices: z
      .array(entry, { error: 'must be a list of prices' })
      .min(1, { error: 'is an empty list: at least one price is needed' }),
    monthly_minimum: z.array(minimum, { error: 'must be a list of minimums with their dates' }).optional(),
  },
  { error: objectMessage },
);

type Raw = z.output<typeof schema>;

const format: Format<Raw, PriceList> = {
  schema,
  relations: priceListProblems,
  content: (raw) => ({
    version: raw.version,
    currency: raw.currency,
    minorDigits: minorUnitDigits(raw.currency),
    source: raw.source,
    prices: raw.prices.map(priceOf),
    monthlyMinimums: (raw.monthly_minimum ?? []).map((one) => ({
      effectiveFrom: one.effective_from,
      effectiveTo: one.effective_to,
      amount: one.amount,
    })),
  }),
};

function priceOf(raw: Raw['prices'][number]): Price {
  return {
    taskType: raw.task_type,
    level: raw.level,
    effectiveFrom: raw.effective_from,
    effectiveTo: raw.effective_to,
    freeAllowance: raw.free_allowance ?? 0n,
    ...modelOf(raw),
  };
}

function modelOf({ model = 'flat', unit_price, tiers }: Raw['prices'][number]): PriceModel {
  if (unit_price !== undefined) return { model: 'flat', unitPrice: unit_price };
  if (model === 'flat' || tiers === undefined) throw new Error(`a ${model} price without its price passed the checks`);
  return { model, tiers: tiers.map((one) => ({ upTo: one.up_to, unitPrice: one.unit_price })) };
}

/**
 * Reads a price list: one currency and, per task type and level, consecutive prices without gaps or overlaps. The
 * format is described in docs/price-lists.md.
 *
 * @throws LedgerError `data_file_invalid` with every problem and its line.
 */
export const readPriceList = (path: string): DataFile<PriceList> => parsePriceList(readBytes(path), path);

/**
 * Parses a price list, such as the copy of a file in the database.
 *
 * @param name what messages call it: its path, or the name of the copy.
 * @throws LedgerError `data_file_invalid` with every problem and its line.
 */
export const parsePriceList = (bytes: Buffer, name: string): DataFile<PriceList> => parseDataFile(bytes, name, format);
