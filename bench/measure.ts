import { setTimeout as delay } from 'node:timers/promises';

/** One run of one contender. `value` is compared; `also` is only shown. */
export type Measured = { readonly value: number; readonly also?: Readonly<Record<string, number>> };

export type Contender = { readonly name: string; readonly run: () => Promise<Measured> };

export type Series = {
  readonly name: string;
  readonly median: number;
  readonly values: readonly number[];
  /** Medians of the values in `also`. */
  readonly also: Readonly<Record<string, number>>;
};

/** The median; the mean of the middle two for an even number of values. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/**
 * Runs contenders in turn, A B A B …, so that other load on the machine affects all of them equally. Every second round
 * runs backwards, so that none always follows the same other one.
 */
export async function inTurn(contenders: readonly Contender[], pairs: number): Promise<Series[]> {
  const runs = new Map(contenders.map(({ name }) => [name, [] as Measured[]]));
  for (let round = 0; round < pairs; round += 1)
    for (const { name, run } of round % 2 === 0 ? contenders : contenders.toReversed()) {
      runs.get(name)?.push(await run());
      await delay(100);
    }
  return contenders.map(({ name }) => {
    const measured = runs.get(name) ?? [];
    const values = measured.map(({ value }) => value);
    const keys = Object.keys(measured[0]?.also ?? {});
    const also = Object.fromEntries(keys.map((key) => [key, median(measured.map((one) => one.also?.[key] ?? 0))]));
    return { name, values, median: median(values), also };
  });
}
