import fc from 'fast-check';
import { beginningOf } from './closing-model.ts';
import { currencies, type Currency, type PriceFile, priceFile, type RuleFile, ruleFile } from './closing-reference.ts';
import { type TrueTransaction, trueTransactions } from './closing-truth.ts';

/** Zones whose months begin at odd instants: with summer time, midnight twice on a first day, quarters of an hour. */
export const timeZones = ['Europe/Amsterdam', 'America/Havana', 'Pacific/Chatham', 'America/St_Johns'] as const;

/** Months that are closed, one after another; the last one takes what came late for the third. */
export const closingMonths = ['2026-09', '2026-10', '2026-11', '2026-12'] as const;
/** Nothing of this one is closed. */
export const openMonth = '2027-01';

type Step =
  | { readonly do: 'look'; readonly transaction: number }
  /** Writes an open month, by some files. */
  | { readonly do: 'report'; readonly ahead: number; readonly rules: number; readonly prices: number }
  /** Writes a closed one again. */
  | { readonly do: 'again'; readonly index: number };

/** What happens until a month is closed, and by which files it is. */
type Phase = { readonly steps: readonly Step[]; readonly rules: number; readonly prices: number };

export type History = {
  readonly timeZone: string;
  readonly transactions: readonly TrueTransaction[];
  readonly rules: readonly RuleFile[];
  readonly prices: readonly PriceFile[];
  /** From which phase on there are price lists: until then months close in quantities. */
  readonly pricedFrom: number;
  /** Else the books begin with September, and what lies before it is in corrections. */
  readonly hasAugust: boolean;
  readonly phases: readonly Phase[];
};

const stepsAPhase = 12;
const fileCount = 3;
const transactionCount = 14;

/** The moment of a step: the number of the phase and of the step in it. */
export const momentOf = (phase: number, step: number): number => phase * stepsAPhase + step;

/** Around the bounds of months to the millisecond, where prices change, and in between. */
function instantsIn(timeZone: string): Date[] {
  const around = (day: string) => {
    const start = beginningOf(day, timeZone).getTime();
    return [new Date(start - 1), new Date(start)];
  };
  const bounds = ['2026-08-01', '2026-09-01', '2026-10-01', '2026-11-01', '2026-12-01'].flatMap(around);
  const changes = ['2026-09-10', '2026-10-16', '2026-10-25', '2026-11-12'].flatMap(around);
  const between = ['2026-09-05T12:00:00Z', '2026-10-05T08:00:00Z', '2026-10-20T17:30:00.500Z', '2026-11-20T08:00:00Z'];
  return [...bounds, ...changes, ...between.map((text) => new Date(text))];
}

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({ do: fc.constant('look' as const), transaction: fc.nat(transactionCount - 1) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('report' as const),
      ahead: fc.constantFrom(0, 0, 0, 1),
      rules: fc.nat(fileCount - 1),
      prices: fc.nat(fileCount - 1),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('again' as const), index: fc.nat(3) }) },
);

const phase: fc.Arbitrary<Phase> = fc.record({
  steps: fc.array(step, { minLength: stepsAPhase, maxLength: stepsAPhase }),
  rules: fc.nat(fileCount - 1),
  prices: fc.nat(fileCount - 1),
});

export function histories(timeZone: string): fc.Arbitrary<History> {
  const names = Array.from({ length: fileCount }, (_, index) => String(index + 1));
  const moments = momentOf(closingMonths.length, 0) - 1;
  const history = fc.constantFrom(...(Object.keys(currencies) as Currency[])).chain((currency) =>
    fc.record({
      timeZone: fc.constant(timeZone),
      transactions: fc.array(trueTransactions(instantsIn(timeZone), moments), {
        minLength: transactionCount,
        maxLength: transactionCount,
      }),
      rules: fc.tuple(...names.map((name) => ruleFile(`rules-${name}`))),
      prices: fc.tuple(...names.map((name) => priceFile(`prices-${name}`, currency))),
      pricedFrom: fc.constantFrom(0, 0, 1, 2),
      hasAugust: fc.boolean(),
      phases: fc.array(phase, { minLength: closingMonths.length, maxLength: closingMonths.length }),
    }),
  );
  // Every history is as large as the others, whatever its number.
  return fc.noBias(history);
}
