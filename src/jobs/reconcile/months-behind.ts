import { keptSettlements } from '../../db/settlements.ts';
import { errorCode } from '../../errors.ts';
import type { Context } from '../context.ts';
import { publishedMonth } from './published-month.ts';

/** The other months that share a credit with a month, and whose files are older than what was decided or credited. */
export async function monthsBehind(context: Context, period: string): Promise<string[]> {
  const settlements = await keptSettlements(context.db.kysely);
  const sharing = settlements.flatMap(({ of, by }) =>
    of.period === period ? [by.period] : by.period === period ? [of.period] : [],
  );
  const behind: string[] = [];
  for (const other of [...new Set(sharing)].sort())
    if (other !== period && (await isBehind(context, other))) behind.push(other);
  return behind;
}

/** Files that cannot be read are to be written again, too. */
const isBehind = async (context: Context, period: string): Promise<boolean> =>
  publishedMonth(context, period).then(
    (month) => month?.isBehind === true,
    (error: unknown) => {
      if (errorCode(error) !== 'reconciliation_changed') throw error;
      return true;
    },
  );
