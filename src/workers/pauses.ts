import { setTimeout as delay } from 'node:timers/promises';
import type { Worker } from 'bullmq';
import type { VendorContext } from '../jobs/context.ts';
import type { Holds } from './holds.ts';

const firstPauseMs = 1_000;
/** Less than 30 s, after which work has to go on once Redis is well again. */
const longestPauseMs = 15_000;
/** Refused again so soon after a pause, it is the same trouble. */
const sameTroubleMs = 30_000;
/** Connections that cannot be had by then are made by the workers themselves. */
const reconnectWithinMs = 5_000;

/**
 * Stops workers from asking a Redis that refuses them. BullMQ asks again at once after every answer but a job: a replica,
 * a full memory or a missing right would keep a processor busy with nothing else. While they are paused a write is tried,
 * less and less often; when it goes through, they ask on new connections: the old ones may lead to a demoted master.
 */
export function createPauses(
  { redisHealth, log }: Pick<VendorContext, 'redisHealth' | 'log'>,
  { hold, release }: Holds,
  signal: AbortSignal,
): { readonly guard: (worker: Worker) => void } {
  const workers: Worker[] = [];
  let isPaused = false;
  let pauseMs = firstPauseMs;
  let resumedAtMs = -Infinity;
  const pause = async (): Promise<void> => {
    pauseMs = performance.now() - resumedAtMs < sameTroubleMs ? longer(pauseMs) : firstPauseMs;
    for (const worker of workers) hold(worker, 'redis');
    for (; ; pauseMs = longer(pauseMs)) {
      await delay(pauseMs, undefined, { signal });
      if (await redisHealth.isUsable()) break;
    }
    const reconnected = Promise.allSettled(workers.map(reconnect));
    await Promise.race([reconnected, delay(reconnectWithinMs, undefined, { signal })]);
    resumedAtMs = performance.now();
    log.info({ server: 'redis' }, 'redis takes commands again, work goes on');
    for (const worker of workers) release(worker, 'redis');
  };
  return {
    guard: (worker) => {
      workers.push(worker);
      worker.on('error', (error) => {
        if (isPaused || signal.aborted || !stopsWork(error)) return;
        isPaused = true;
        pause()
          // A stop ends it early, and workers that stop need not go on.
          .catch((failure: unknown) => {
            if (signal.aborted) return;
            log.error({ err: failure }, 'workers were not paused as they should be');
            for (const one of workers) release(one, 'redis');
          })
          .finally(() => (isPaused = false));
      });
    },
  };
}

const longer = (ms: number): number => Math.min(2 * ms, longestPauseMs);

/**
 * Not what is said of one job (a number), nor of a socket (`ECONNRESET` and the like): its commands wait for the next
 * one by themselves. Whatever else fails would fail again at once.
 */
function stopsWork(error: Error): boolean {
  const { code } = error as { code?: unknown };
  if (typeof code === 'number' || typeof code === 'string') return false;
  return !/^(Connection is closed|Socket timeout|Stream isn't writeable)/.test(error.message);
}

/** A Redis Cluster is told of by its nodes where to go. */
async function reconnect(worker: Worker): Promise<void> {
  const { client, blockingClient } = worker.getBackend();
  for (const connection of await Promise.all([client, blockingClient]))
    if (connection && !connection.isCluster && connection.status === 'ready') connection.disconnect(true);
}
