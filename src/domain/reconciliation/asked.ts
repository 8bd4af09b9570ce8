import { type Micros, minorUnitDigits, roundToMinorUnit } from '../money.ts';
import { type DecisionName, isRoundingLeft } from './standing.ts';

/** What is open of a finding. */
type Open = {
  readonly amount: Micros;
  /** What of the amount is not settled. */
  readonly left: Micros;
  readonly decision: DecisionName | null;
};

/** Whether the letter asks for it. What is left beside a credit and is less than the minor unit, no further credit can say. */
export const isAskedFor = ({ amount, left, decision }: Open, minorDigits: number): boolean =>
  decision === 'dispute' && !isRoundingLeft(amount, amount - left, minorDigits);

/** What the letter about a month asks for: net, negative if we owe it, in whole minor units. */
export function askedCredit(open: readonly Open[], currency: string): Micros {
  const minorDigits = minorUnitDigits(currency);
  const asked = open.filter((one) => isAskedFor(one, minorDigits));
  return roundToMinorUnit(
    asked.reduce((sum, { left }) => sum + left, 0n),
    minorDigits,
  );
}
