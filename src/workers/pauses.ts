import { setTimeout as delay } from 'node:timers/promises';
import type { Worker } from 'bullmq';
import type { VendorContext } from '../jobs/context.ts';
import type { Holds } from './holds.ts';

const firstPauseMs = 1_000;
/** Less than 30 s, the time within which work must resume once Redis has recovered. */
const longestPauseMs = 15_000;
/** An error so soon after a pause counts as the same outage, and the next pause is longer. */
const sameTroubleMs = 30_000;
/** After this time the workers open new connections themselves. */
const reconnectWithinMs = 5_000;

/**
 * Stops workers from polling a Redis that refuses them. BullMQ polls again at once after an error, so a replica, a full
 * memory or a missing permission would keep a CPU busy. During a pause it is tried at growing intervals what work
 * needs. When that succeeds, the workers continue on new connections, because the old ones may lead to a demoted master.
 */
export function createPauses(
  { redisHealth, log, onRedisTrouble }: Pick<VendorContext, 'redisHealth' | 'log' | 'onRedisTrouble'>,
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
      const trouble = redisHealth.trouble();
      if (trouble) onRedisTrouble(trouble);
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
          // A stop aborts the pause. Then the workers need not continue.
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
 * Whether an error stops all work. Errors of one job have a numeric code. Socket errors such as `ECONNRESET` have a
 * text code, and their commands wait for the next connection by themselves. Any other error would come back at once.
 */
function stopsWork(error: Error): boolean {
  const { code } = error as { code?: unknown };
  if (typeof code === 'number' || typeof code === 'string') return false;
  return !/^(Connection is closed|Socket timeout|Stream isn't writeable)/.test(error.message);
}

/** Reconnects a worker. A Redis Cluster needs no reconnect, because its nodes redirect the client. */
async function reconnect(worker: Worker): Promise<void> {
  const { client, blockingClient } = worker.getBackend();
  for (const connection of await Promise.all([client, blockingClient]))
    if (connection && !connection.isCluster && connection.status === 'ready') connection.disconnect(true);
}
