import type { Contender, Series } from '../measure.ts';
import type { Sandbox, Servers } from '../servers.ts';

/** What every figure is measured with. */
export type Bench = {
  readonly servers: Servers;
  /** Books of one month with this many attempts. Filled once for all figures of a run. */
  readonly filled: (attempts: number) => Promise<Sandbox>;
  /** The checkouts to measure; two with `--compare`. */
  readonly checkouts: readonly [string, ...string[]];
  /** A factor for all sizes. */
  readonly scale: number;
  /** Where CPU profiles go; `undefined` = none. */
  readonly profileDir: string | undefined;
  readonly remark: (line: string) => void;
};

export type Goal = { readonly atLeast: number } | { readonly atMost: number };

/** One line of the table: a ratio of two series, or one series if it is compared with a fixed limit. */
export type Line = {
  readonly what: string;
  readonly of: string;
  readonly over: string | null;
  /** The value in `also` that is compared with the goal, instead of the main one. */
  readonly also?: string;
  readonly goal?: Goal;
};

type Prepared = {
  readonly contenders: readonly Contender[];
  readonly lines: readonly Line[];
  /** Ends what was started for this figure. */
  readonly end: () => Promise<void>;
};

export type Figure = {
  readonly name: string;
  /** The unit of each run's `value`. */
  readonly unit: string;
  /** In words, with the size. */
  readonly describe: (scale: number) => string;
  readonly prepare: (bench: Bench) => Promise<Prepared>;
};

export type Result = {
  readonly name: string;
  readonly unit: string;
  readonly description: string;
  readonly series: readonly Series[];
  readonly lines: readonly { what: string; value: number; goal: Goal | null; isHeld: boolean | null }[];
};

/** The value of a line, from the measured series. */
export function valueOf(line: Line, series: readonly Series[]): number {
  const figure = (name: string): number => {
    const one = series.find((candidate) => candidate.name === name);
    return (line.also === undefined ? one?.median : one?.also[line.also]) ?? Number.NaN;
  };
  return line.over === null ? figure(line.of) : figure(line.of) / figure(line.over);
}

export function isHeld(goal: Goal | undefined, value: number): boolean | null {
  if (!goal) return null;
  return 'atLeast' in goal ? value >= goal.atLeast : value <= goal.atMost;
}

/** The product's name in a series. With two checkouts, which of them it is. */
export const productName = (bench: Bench, checkout: string): string =>
  bench.checkouts.length === 1 ? 'idscan-ledger' : checkout === bench.checkouts[0] ? 'this checkout' : 'the other one';

/** Lines that compare this checkout with the other one, if there is one. */
export const comparison = (bench: Bench, what: string, also?: string): Line[] =>
  bench.checkouts.length === 1
    ? []
    : [
        {
          what: `${what}: this checkout ÷ the other one`,
          of: 'this checkout',
          over: 'the other one',
          ...(also ? { also } : {}),
        },
      ];
