import type { Constraint, Term } from './constraints.ts';

/** What the charge of a listed scan may depend on. */
export type ScanClass = {
  readonly taskType: string;
  /** `null` = success. */
  readonly code: string | null;
  readonly level: string | null;
  readonly linked: boolean | null;
  readonly captureSource: string | null;
};

/** Tasks with the same scans and the same counter. */
export type Observation = {
  readonly scans: readonly ScanClass[];
  /** The vendor's `attemptsInvoiced`. */
  readonly charged: number;
  readonly tasks: number;
  /** Of the first and the last scan of all these tasks. */
  readonly firstAt: Date;
  readonly lastAt: Date;
  /** The days of these instants, `YYYY-MM-DD`. */
  readonly firstDay: string;
  readonly lastDay: string;
  /** One of the transactions. */
  readonly transactionId: string;
};

/** Observations as a system over the classes that occur in them: class 3 is unknown 3. */
export type System = {
  readonly observations: readonly Observation[];
  readonly classes: readonly ScanClass[];
  readonly constraints: readonly Constraint[];
};

const keyOf = ({ taskType, code, level, linked, captureSource }: ScanClass): string =>
  JSON.stringify([taskType, code, level, linked, captureSource]);

/** A code of a task type. */
export type TaskCode = Pick<ScanClass, 'taskType' | 'code'>;
export const isSameCode = (a: TaskCode, b: TaskCode): boolean => a.taskType === b.taskType && a.code === b.code;

/** @param whole codes all of whose scans are one class. */
export function systemOf(observations: readonly Observation[], whole: readonly TaskCode[] = []): System {
  const places = new Map<string, number>();
  const classes: ScanClass[] = [];
  const placeOf = (one: ScanClass): number => {
    const scan = whole.some((code) => isSameCode(code, one))
      ? { ...one, level: null, linked: null, captureSource: null }
      : one;
    const key = keyOf(scan);
    const known = places.get(key);
    if (known !== undefined) return known;
    places.set(key, classes.length);
    return classes.push(scan) - 1;
  };
  const constraints = observations.map(({ scans, charged }): Constraint => {
    const counts = new Map<number, number>();
    for (const scan of scans) counts.set(placeOf(scan), (counts.get(placeOf(scan)) ?? 0) + 1);
    const terms = [...counts].map(([unknown, count]): Term => ({ unknown, count }));
    return { terms, low: charged, high: charged };
  });
  return { observations, classes, constraints };
}
