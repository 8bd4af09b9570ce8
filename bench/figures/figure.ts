import type { Contender, Series } from '../measure.ts';
import type { Sandbox, Servers } from '../servers.ts';

/** What every figure is measured with. */
export type Bench = {
  readonly servers: Servers;
  /** Books of one month with so many attempts, filled once for all figures of a run. */
  readonly filled: (attempts: number) => Promise<Sandbox>;
  /** Whose product is measured; with `--compare` there is another one beside it. */
  readonly checkouts: readonly [string, ...string[]];
  /** Sizes are multiplied by it. */
  readonly scale: number;
  /** Where CPU profiles go; `undefined` = none. */
  readonly profileDir: string | undefined;
  readonly remark: (line: string) => void;
};

export type Goal = { readonly atLeast: number } | { readonly atMost: number };

/** One line of the table: a ratio of two series, or a bare figure where it is compared with a fixed bound. */
export type Line = {
  readonly what: string;
  readonly of: string;
  readonly over: string | null;
  /** Which of the figures beside the main one is compared with the goal, instead of it. */
  readonly also?: string;
  readonly goal?: Goal;
};

type Prepared = {
  readonly contenders: readonly Contender[];
  readonly lines: readonly Line[];
  /** Ends what was started for it. */
  readonly end: () => Promise<void>;
};

export type Figure = {
  readonly name: string;
  /** What `value` of each run is. */
  readonly unit: string;
  /** In words, with the size it is measured at. */
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

/** The value of a line, from the series that were measured. */
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

/** How the product is called in a series: by itself, or by its checkout where there are two. */
export const productName = (bench: Bench, checkout: string): string =>
  bench.checkouts.length === 1 ? 'idscan-ledger' : checkout === bench.checkouts[0] ? 'this checkout' : 'the other one';

/** Lines that set this checkout against the other one, where there is another. */
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
