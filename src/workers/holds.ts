import type { Worker } from 'bullmq';

/** Why a worker takes no jobs. */
type HoldReason = 'redis' | 'store';

/** Keeps workers from taking jobs, for several reasons at once. */
export type Holds = {
  readonly hold: (worker: Worker, reason: HoldReason) => void;
  /** The worker goes on once nothing else holds it. */
  readonly release: (worker: Worker, reason: HoldReason) => void;
};

/** @param onError is told where a worker does not do as it is told. */
export function createHolds(onError: (error: unknown) => void): Holds {
  const held = new Map<Worker, Set<HoldReason>>();
  return {
    hold: (worker, reason) => {
      const reasons = held.get(worker) ?? new Set();
      held.set(worker, reasons.add(reason));
      // Also where it is held already: a job that was taken meanwhile must not keep it going.
      worker.pause(true).catch(onError);
    },
    release: (worker, reason) => {
      const reasons = held.get(worker);
      if (!reasons?.delete(reason) || reasons.size > 0) return;
      Promise.resolve(worker.resume()).catch(onError);
    },
  };
}
