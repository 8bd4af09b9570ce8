import type { ObligationKind } from '../db/schema.ts';
import type { ErrorCode } from '../errors.ts';

type TallyEnd = 'done' | 'postponed' | 'retried' | 'failed';

/** What the workers of one process have done since they started. */
export type Tally = {
  readonly count: (kind: ObligationKind, end: TallyEnd, code?: ErrorCode) => void;
  readonly total: (end: TallyEnd) => number;
  /** Failures by kind and code. */
  readonly failures: () => readonly { kind: ObligationKind; code: string; count: number }[];
};

export function createTally(): Tally {
  const totals: Record<TallyEnd, number> = { done: 0, postponed: 0, retried: 0, failed: 0 };
  const failures = new Map<string, { kind: ObligationKind; code: string; count: number }>();
  return {
    count(kind, end, code) {
      totals[end] += 1;
      if (end !== 'failed' || code === undefined) return;
      const key = `${kind} ${code}`;
      failures.set(key, { kind, code, count: (failures.get(key)?.count ?? 0) + 1 });
    },
    total: (end) => totals[end],
    failures: () => [...failures.values()],
  };
}
