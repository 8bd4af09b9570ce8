import {
  attemptLine,
  type BookedMonth,
  bookedMonths,
  differences,
  emptyMonth,
  type Published,
  remaining,
} from './closing-files.ts';
import { minimumOf, type ModelMonth, type Situation, trueAttempts, trueMonth } from './closing-model.ts';

/** What is charged for months to top them up, so far. */
export type Charged = ReadonlyMap<string, bigint>;

/** What all files together say against what is true, when a month is written. No problems = they are the same. */
export type Comparison = {
  readonly problems: readonly string[];
  readonly charged: Charged;
  readonly lines: number;
  readonly months: number;
};

/**
 * Holds files against the model.
 *
 * @param files those of closed months, and behind them the one that is written; or of an open month by itself.
 * @param before what was charged in earlier files.
 */
export function compareBooks(situation: Situation, files: readonly Published[], before: Charged): Comparison {
  const written = files.at(-1)!.period;
  const [first] = situation.closed;
  const isTogether = files.length > 1;
  const isIn = (period: string) => (isTogether ? period <= written : period === written);
  const due = trueAttempts(situation).filter(({ period }) => isIn(period));
  const { lines, problems } = remaining(files);
  problems.push(...differences('attempts', due.map(lineOf).sort(), lines));
  const booked = bookedMonths(files);
  const periods = [...new Set([...due.map(({ period }) => period), ...booked.keys(), ...files.map(periodOf)])].sort();
  const charged = new Map<string, bigint>();
  for (const period of periods) {
    const month = trueMonth(situation, period);
    const said = booked.get(period) ?? emptyMonth();
    // What lies before the first closed month has no minimum.
    const isTopped = period === written || (first !== undefined && period >= first.period);
    const charge = isTopped ? chargeFor(situation, period, month, said, before.get(period) ?? 0n) : 0n;
    charged.set(period, charge);
    problems.push(...differences(period, figures(month, charge), bookedFigures(said)));
  }
  return { problems, charged, lines: files.at(-1)!.detail.length, months: periods.length };
}

const periodOf = ({ period }: Published): string => period;

/** While something invoiced has no price the minimum is not asked for: what was charged before stays. */
function chargeFor(
  situation: Situation,
  period: string,
  { unpriced }: ModelMonth,
  { roundedAmount }: BookedMonth,
  before: bigint,
): bigint {
  const minimum = minimumOf(situation, period);
  if (minimum === undefined || unpriced > 0) return before;
  return roundedAmount < minimum ? minimum - roundedAmount : 0n;
}

const figures = ({ attempts, unpriced, amounts }: ModelMonth, charge: bigint): string[] => [
  `${attempts.length} attempts`,
  `${attempts.filter(({ invoiced }) => invoiced).length} invoiced`,
  `${unpriced} without a price`,
  ...amountsOf(amounts),
  `minimum ${charge}`,
];

const bookedFigures = (month: BookedMonth): string[] => [
  `${month.attempts} attempts`,
  `${month.invoiced} invoiced`,
  `${month.unpriced} without a price`,
  ...amountsOf(month.amounts),
  `minimum ${month.charged}`,
];

const amountsOf = (amounts: ReadonlyMap<string, bigint>): string[] =>
  [...amounts]
    .filter(([, amount]) => amount !== 0n)
    .map(([taskType, amount]) => `${taskType} ${amount}`)
    .sort();

const lineOf = ({
  transaction,
  period,
  taskType,
  level,
  code,
  invoiced,
}: ReturnType<typeof trueAttempts>[number]): string =>
  attemptLine(
    ...([transactionId(transaction), period, taskType] as const),
    ...([level ?? '', code ?? '', invoiced === null ? '' : String(invoiced)] as const),
  );

export const transactionId = (index: number): string => `t-${index}`;
