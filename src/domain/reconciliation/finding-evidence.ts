import type { Micros } from '../money.ts';
import type { Effect } from './causes.ts';
import type { Evidence, Part } from './explanation.ts';
import { cellKey, type LinePair } from './pairing.ts';
import { type Known, type Reason, reasonFor } from './reasons.ts';
import type { Share } from './shares.ts';

/** A share of a difference, and why it is there. */
export type ReasonedShare = Share & { readonly reason: Reason };

const aboutUnits: ReadonlySet<Effect> = new Set(['quantity', 'missing_line', 'extra_line']);

type Cell = { readonly taskType: string | null; readonly level: string | null };
type Compared<Line extends Cell> = { readonly line: Line; readonly shares: readonly ReasonedShare[] };

/** Whether evidence is of a share of a line. */
export const isAbout = (evidence: Evidence, line: Cell, { effect, step }: Share): boolean =>
  aboutUnits.has(effect) && cellKey(line) === cellKey(evidence) && partKey(step?.part) === partKey(evidence.part);

const partKey = (part: Part | undefined): string => (part ? `${part.cause} ${part.subject}` : '');

type Line = { readonly share: Share; readonly found: { readonly ownUnitPrice: Micros | null } };

/** Where a cell has several lines, its evidence is told with the one of its price, else the one that changes most. */
export function lineOf<One extends Line>({ unitPrice }: Evidence, all: readonly One[]): One | undefined {
  const size = ({ share: { quantity } }: One): bigint => (quantity < 0n ? -quantity : quantity);
  const most = (some: readonly One[]) =>
    some.reduce<One | undefined>((first, one) => (first && size(first) >= size(one) ? first : one), undefined);
  return most(all.filter(({ found }) => unitPrice !== undefined && found.ownUnitPrice === unitPrice)) ?? most(all);
}

/** Attempts that a usage statement has more and others that it has less are told, also where they come to nothing. */
export function withoutNetting<Line extends Cell>(
  compared: readonly Compared<Line>[],
  pairs: readonly LinePair[],
  known: Known,
): Compared<Line>[] {
  const { steps, evidence } = known.explanation;
  const hidden = evidence.filter(
    (one) =>
      one.part !== undefined &&
      one.of.attempts !== 'all' &&
      !compared.some(({ line, shares }) => shares.some((share) => isAbout(one, line, share))),
  );
  return compared.map(({ line, shares }, index) => {
    const isFirst = compared.findIndex((other) => cellKey(other.line) === cellKey(line)) === index;
    const here = isFirst ? hidden.filter((one) => cellKey(one) === cellKey(line)) : [];
    const parts = new Map(here.map(({ part }) => [partKey(part), part]));
    const added = [...parts.keys()].map((key): ReasonedShare => {
      const step = steps.find(({ part }) => partKey(part) === key);
      const share = { effect: 'quantity', step, quantity: 0n, amount: 0n } as const;
      return { ...share, reason: reasonFor(share, pairs[index] ?? {}, known) };
    });
    return { line, shares: [...shares, ...added] };
  });
}
