import type { Queries } from '../../db/database.ts';
import { cubeRows, earlierUnits, unmatchedUsage } from '../../db/cube.ts';
import type { CubeScope } from '../../db/cube-attempts.ts';
import { periodCloses } from '../../db/period-closes.ts';
import type { Snapshot } from '../../db/snapshot.ts';
import { keptPriceLists } from '../../db/reference.ts';
import { matchUsage } from '../../db/usage-matching.ts';
import { countingUsage } from '../../db/usage-statements.ts';
import { nextPeriod, previousPeriod } from '../../domain/billing-month.ts';
import { minimumOf, usageLines } from '../../domain/reconciliation/books.ts';
import { type Contract, type Cube, cubeMarks, hasTiers } from '../../domain/reconciliation/cube.ts';
import type { Books } from '../../domain/reconciliation/lines.ts';
import { LedgerError } from '../../errors.ts';
import { parsePriceList } from '../../reference-data/price-list.ts';
import type { Context } from '../context.ts';
import { monthOf } from '../month/month.ts';
import { listsOf, pricedCloses } from '../month/open-lines.ts';
import { restatedMonth } from '../month/restated-month.ts';

export type Basis = 'closed' | 'restated';

/** What the books say of a month, in lines as an invoice has them and in few rows that can be asked what would be if. */
export type BooksOfMonth = {
  readonly books: Books;
  readonly cube: Cube;
  readonly contract: Contract;
  /** What the cube is of. */
  readonly scope: CubeScope;
  /** The month is still open. */
  readonly isProvisional: boolean;
};

/**
 * Reads a month for the invoice to be held against.
 *
 * @param statement the ID of the usage statement to match attempts with; `null` = there is none.
 * @throws LedgerError `prices_missing` where the month has no prices.
 */
export async function booksOfMonth(
  context: Context,
  snapshot: Snapshot,
  period: string,
  { basis, statement }: { readonly basis: Basis; readonly statement: string | null },
): Promise<BooksOfMonth> {
  const { queries } = snapshot;
  const closes = await periodCloses(queries);
  const isClosed = closes.some((close) => close.period === period);
  const isRestated = isClosed && basis === 'restated';
  const month = await (isRestated ? restatedMonth(context, queries, period) : monthOf(context, queries, period));
  const { head, span, timeZone } = month;
  if (!head.priceList)
    throw new LedgerError('prices_missing', `There are no prices for ${period}, so there is nothing to compare.`, {
      fields: { period },
      hint: 'Set PRICES_FILE to the prices of your contract.',
    });
  const { currency, minorDigits } = head.priceList;
  const { lines, charges } = await month.totals();
  const lists = listsOf(period, await pricedCloses(queries, closes), context.prices?.content);
  const known = (await keptPriceLists(queries)).map((bytes) => parsePriceList(bytes, 'a price list').content);
  const isUsed = new Set(lists.map(({ version }) => version));
  const otherLists = [...new Map(known.map((list) => [list.version, list])).values()].filter(
    ({ version, currency: other }) => !isUsed.has(version) && other === currency,
  );
  const contract: Contract = { timeZone, lists, otherLists };
  const marks = cubeMarks(period, contract);
  const scope: CubeScope = { period, span, marks, isClosed, basis, timeZone, statement };
  if (statement !== null) await matchUsage(snapshot, { ...scope, statement });
  return {
    books: { period, currency, minorDigits, lines: usageLines(lines.summary), minimum: minimumOf(charges) },
    cube: {
      period,
      basis,
      marks,
      rows: await cubeRows(snapshot, scope),
      earlier: hasTiers(contract) ? await earlierUnits(queries, period, timeZone) : [],
      ...(statement === null ? {} : await besideAttempts(queries, scope)),
    },
    scope,
    contract,
    isProvisional: !isClosed,
  };
}

/** What a usage statement has beside attempts, and which other ones there are. */
async function besideAttempts(queries: Queries, scope: CubeScope): Promise<Pick<Cube, 'unmatched' | 'statements'>> {
  const months = new Set((await countingUsage(queries)).map(({ period }) => period));
  return {
    unmatched: await unmatchedUsage(queries, scope),
    statements: { before: months.has(previousPeriod(scope.period)), after: months.has(nextPeriod(scope.period)) },
  };
}
