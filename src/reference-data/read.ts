import type { Config } from '../config/config.ts';
import type { RuleTable } from '../domain/classify.ts';
import type { PriceList } from '../domain/prices.ts';
import { LedgerError } from '../errors.ts';
import type { DataFile } from './data-file.ts';
import { readPriceList } from './price-list.ts';
import { readRuleTables } from './rule-tables.ts';

/** The rules and prices that decisions and amounts are computed from. */
export type ReferenceData = {
  readonly rules: DataFile<readonly RuleTable[]>;
  readonly prices: DataFile<PriceList> | undefined;
};

/**
 * Reads rules and prices.
 *
 * @throws LedgerError `data_file_invalid` with the problems of both files.
 */
export function readReferenceData({ rulesFile, pricesFile }: Config): ReferenceData {
  const failures: LedgerError[] = [];
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error;
      failures.push(error);
      return undefined;
    }
  };
  const rules = attempt(() => readRuleTables(rulesFile));
  const prices = pricesFile === undefined ? undefined : attempt(() => readPriceList(pricesFile));
  const [first] = failures;
  if (!rules || first)
    throw new LedgerError('data_file_invalid', failures.map(({ message }) => message).join('\n'), {
      fields: { problems: failures.reduce((sum, { fields }) => sum + Number(fields['problems']), 0) },
      ...(first?.hint === undefined ? {} : { hint: first.hint }),
      cause: first,
    });
  return { rules, prices };
}
