import { z } from 'zod';
import { effectiveDateProblems } from '../domain/effective-dates.ts';
import { minorUnitDigits } from '../domain/money.ts';
import { priceProblems } from '../domain/prices.ts';
import type { Problem } from './data-file.ts';
import type { JsonPath, JsonTree } from './json-tree.ts';
import { dates, entriesOf, listOf, memberOf, placedDateProblems } from './relations.ts';

/** Finds contradictions between the values of a price list, whatever else is wrong with them. */
export function priceListProblems(json: unknown, lineOf: JsonTree['lineOf']): Problem[] {
  return [
    ...listOf(json, 'prices').flatMap((entry, index) => modelProblems(entry, ['prices', index])),
    ...currencyProblems(json),
    ...minimumProblems(json),
    ...dateProblems(json, lineOf),
  ];
}

/** Checks that an entry has the keys of its model, and checks its tiers. */
function modelProblems(entry: unknown, path: JsonPath): Problem[] {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return [];
  const has = (key: string): boolean => memberOf(entry, key) !== undefined;
  const model = has('model') ? memberOf(entry, 'model') : 'flat';
  const at = (key: string, message: string): Problem => ({ path: [...path, key], message });
  if (model === 'flat')
    return [
      ...(has('unit_price') ? [] : [at('unit_price', 'is missing: what each attempt costs')]),
      ...(has('tiers') ? [at('tiers', 'a flat price has none: add "model": "graduated" or "volume"')] : []),
    ];
  if (model !== 'graduated' && model !== 'volume') return [];
  const tiers = listOf(entry, 'tiers');
  return [
    ...(has('tiers') ? [] : [at('tiers', `is missing: a ${model} price has its prices in tiers`)]),
    ...(has('unit_price') ? [at('unit_price', `a ${model} price has its prices in tiers: leave this one out`)] : []),
    ...tiers.flatMap((_, index) => tierProblems(tiers, index, [...path, 'tiers', index, 'up_to'])),
  ];
}

/** Checks that a tier ends after the previous one, and that exactly the last one has no end. */
function tierProblems(tiers: readonly unknown[], index: number, path: JsonPath): Problem[] {
  const [upTo, before] = [memberOf(tiers[index], 'up_to'), memberOf(tiers[index - 1], 'up_to')];
  const isLast = index === tiers.length - 1;
  if (upTo === null) return isLast ? [] : [{ path, message: 'must be a number: only the last tier has no end' }];
  if (typeof upTo !== 'number') return [];
  if (typeof before === 'number' && upTo <= before)
    return [{ path, message: `must be more than the ${before} of the tier before, not ${upTo}` }];
  return isLast ? [{ path, message: `must be null: units beyond ${upTo} would have no price` }] : [];
}

/** A list has one currency, which is only named at its top. */
function currencyProblems(json: unknown): Problem[] {
  const own = memberOf(json, 'currency');
  const inLists = ['prices', 'monthly_minimum'].flatMap((key) =>
    listOf(json, key).flatMap((entry, index) => [
      { value: entry, path: [key, index] },
      ...listOf(entry, 'tiers').map((tier, number) => ({ value: tier, path: [key, index, 'tiers', number] })),
    ]),
  );
  return inLists.flatMap(({ value, path }): Problem[] => {
    const currency = memberOf(value, 'currency');
    if (currency === undefined) return [];
    const [here, above] = [JSON.stringify(currency), JSON.stringify(own)];
    const message =
      currency === own
        ? 'one currency per list, named at its top alone: leave it out here'
        : `one currency per list: ${here} here, ${above} at the top; put other currencies in lists of their own`;
    return [{ path: [...path, 'currency'], message }];
  });
}

/** A minimum is an amount of the invoice, so it has no more decimals than the currency. */
function minimumProblems(json: unknown): Problem[] {
  const currency = memberOf(json, 'currency');
  if (typeof currency !== 'string' || !/^[A-Z]{3}$/.test(currency)) return [];
  const digits = minorUnitDigits(currency);
  return listOf(json, 'monthly_minimum').flatMap((entry, index): Problem[] => {
    const amount = memberOf(entry, 'amount');
    const decimals = typeof amount === 'string' ? (/^\d{1,12}\.(\d{1,6})$/.exec(amount)?.[1]?.length ?? 0) : 0;
    const path = ['monthly_minimum', index, 'amount'];
    const message = `must have at most ${digits} decimals, as ${currency} has, not ${JSON.stringify(amount)}`;
    return decimals > digits ? [{ path, message }] : [];
  });
}

const key = z.object({ task_type: z.string(), level: z.string().nullable() });
const dated = key
  .and(dates)
  .transform(({ task_type, ...rest }) => ({ ...rest, taskType: task_type }))
  .transform(({ taskType, level, effectiveFrom, effectiveTo }) => ({ taskType, level, effectiveFrom, effectiveTo }));

/** Gaps and overlaps between the entries with readable dates. */
function dateProblems(json: unknown, lineOf: JsonTree['lineOf']): Problem[] {
  // An entry without readable dates or key may be the one that fills a gap.
  const undated = listOf(json, 'prices').filter((entry) => !dated.safeParse(entry).success);
  const undatedKeys = undated.map((entry) => key.safeParse(entry).data);
  const minimums = entriesOf(json, 'monthly_minimum', dates);
  return [
    ...placedDateProblems(priceProblems(entriesOf(json, 'prices', dated)), lineOf, ({ taskType, level }) =>
      undatedKeys.some((one) => !one || (one.task_type === taskType && one.level === level)),
    ),
    ...placedDateProblems(
      effectiveDateProblems(minimums, 'monthly_minimum'),
      lineOf,
      () => minimums.length < listOf(json, 'monthly_minimum').length,
    ),
  ];
}
