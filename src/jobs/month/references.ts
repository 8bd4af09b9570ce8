import type { Queries } from '../../db/database.ts';
import type { PeriodClose } from '../../db/period-closes.ts';
import { keptFile, usedAt } from '../../db/reference.ts';
import type { PriceList } from '../../domain/prices.ts';
import { LedgerError } from '../../errors.ts';
import { parsePriceList } from '../../reference-data/price-list.ts';
import { parseRuleTables } from '../../reference-data/rule-tables.ts';
import type { Context } from '../context.ts';

/** The rules and prices that a month is decided and priced by. */
export type References = Pick<Context, 'rules' | 'prices'>;

/** The rules and prices in use at an earlier instant. If no report had recorded them by then, those in use now. */
export async function referencesAt({ rules, prices }: References, queries: Queries, at: Date): Promise<References> {
  return { rules: await rulesAt(rules, queries, at), prices: await pricesAt(prices, queries, at) };
}

async function rulesAt(now: References['rules'], queries: Queries, at: Date): Promise<References['rules']> {
  const used = await usedAt(queries, 'rules', at);
  const bytes = used?.sha256 && used.sha256 !== now.sha256 ? await keptFile(queries, used.sha256) : undefined;
  return bytes ? parseRuleTables(bytes, `the rules in use at ${at.toISOString()}`) : now;
}

async function pricesAt(now: References['prices'], queries: Queries, at: Date): Promise<References['prices']> {
  const used = await usedAt(queries, 'prices', at);
  if (!used || used.sha256 === now?.sha256) return now;
  if (used.sha256 === null) return undefined;
  const bytes = await keptFile(queries, used.sha256);
  return bytes && parsePriceList(bytes, `the price list in use at ${at.toISOString()}`);
}

/** The price list that a month was closed with. */
export async function closedPriceList(queries: Queries, close: PeriodClose): Promise<PriceList | undefined> {
  return (await closedPriceFile(queries, close))?.content;
}

/** The same, with its very bytes. */
export async function closedPriceFile(queries: Queries, close: PeriodClose): Promise<References['prices']> {
  if (close.pricesSha256 === null) return undefined;
  const bytes = await keptFile(queries, close.pricesSha256);
  if (!bytes)
    throw new LedgerError('internal', `The price list that ${close.period} was closed with is not in Postgres.`);
  return parsePriceList(bytes, `the price list of ${close.period}`);
}
