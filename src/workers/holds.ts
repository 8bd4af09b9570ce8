import type { Worker } from 'bullmq';

/** Why a worker is on hold. */
type HoldReason = 'redis' | 'store';

/** Puts workers on hold. Several reasons can hold one worker. */
export type Holds = {
  readonly hold: (worker: Worker, reason: HoldReason) => void;
  /** The worker continues once no other reason holds it. */
  readonly release: (worker: Worker, reason: HoldReason) => void;
};

/** @param onError gets the error if a worker cannot be paused or resumed. */
export function createHolds(onError: (error: unknown) => void): Holds {
  const held = new Map<Worker, Set<HoldReason>>();
  return {
    hold: (worker, reason) => {
      const reasons = held.get(worker) ?? new Set();
      held.set(worker, reasons.add(reason));
      // Done even if it is on hold already, in case it took a job in the meantime.
      worker.pause(true).catch(onError);
    },
    release: (worker, reason) => {
      const reasons = held.get(worker);
      if (!reasons?.delete(reason) || reasons.size > 0) return;
      Promise.resolve(worker.resume()).catch(onError);
    },
  };
}
