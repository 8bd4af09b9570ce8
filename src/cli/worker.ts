import { createLog } from '../compose/log.ts';
import { composeWorkers } from '../compose/workers.ts';
import { obligationProgress } from '../db/status.ts';
import { counted } from '../domain/wording.ts';
import type { VendorContext } from '../jobs/context.ts';
import type { Checks } from '../jobs/queue/shared-check.ts';
import type { listenForMetrics, MetricsListener } from '../metrics/listener.ts';
import type { addProcessMetrics } from '../metrics/process.ts';
import { createWorkMetrics } from '../metrics/work.ts';
import { type RunningWorkers, runWorkers } from '../workers/run-workers.ts';
import { instant, progress, remark, say } from './output.ts';
import { type ExitCode, isLogLevelGiven, onceStarted, type WorkerInput } from './run.ts';

/** Leaves time to close everything else within 30 s. */
const stopDeadlineMs = 20_000;
const progressIntervalMs = 1_000;

/** `worker [--until-idle]` */
export async function worker(
  { untilIdle }: { untilIdle: boolean },
  { config, vendorKey, notifications, signal }: WorkerInput,
): Promise<ExitCode> {
  const { registry, meter } = createWorkMetrics();
  const isWatched = untilIdle && process.stderr.isTTY && !isLogLevelGiven();
  const { context, close } = await composeWorkers(isWatched ? { ...config, logLevel: 'fatal' } : config, vendorKey, {
    notice: isWatched ? remark : (line) => createLog(config.logLevel).info(line),
    meter,
    notifications: untilIdle ? undefined : notifications,
  });
  let listener: MetricsListener | undefined;
  try {
    const { redis, queuePrefix: prefix } = context;
    const workers = runWorkers(context, { redis, prefix, isBatch: untilIdle, meter });
    context.log.info({ pid: process.pid }, 'workers started');
    try {
      if (config.metrics) listener = await listen(registry, config.metrics, workers.checks);
      return await onceStarted(context.log, signal, () =>
        untilIdle ? workUntilIdle(context, workers, signal) : workUntilSignal(signal),
      );
    } finally {
      context.log.info('stopping: no new job is taken, the running ones finish');
      await workers.stop(stopDeadlineMs);
    }
  } finally {
    await listener?.close();
    await close();
  }
}

/** Loads the metrics packages only if metrics are served. */
async function listen(
  registry: Parameters<typeof addProcessMetrics>[0],
  address: Parameters<typeof listenForMetrics>[1],
  checks: Checks,
): Promise<MetricsListener> {
  const [{ listenForMetrics }, { addProcessMetrics }, { addUsabilityGauges }] = await Promise.all([
    import('../metrics/listener.ts'),
    import('../metrics/process.ts'),
    import('../metrics/usability.ts'),
  ]);
  addProcessMetrics(registry);
  addUsabilityGauges(registry, checks);
  return listenForMetrics(registry, address, checks);
}

async function workUntilSignal(signal: AbortSignal): Promise<ExitCode> {
  // The signal alone does not keep the process alive; the workers' connections do.
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  return 0;
}

async function workUntilIdle(context: VendorContext, workers: RunningWorkers, signal: AbortSignal): Promise<ExitCode> {
  const stopWatching = watch(context);
  try {
    const { nextDueAt } = await workers.idle(signal);
    stopWatching();
    return summarise(workers, nextDueAt);
  } catch (error) {
    stopWatching();
    if (signal.aborted) {
      summarise(workers, null);
      remark('Ended before all was done: what is left stays due for the next run.');
    }
    throw error;
  } finally {
    stopWatching();
  }
}

/** Draws done and known obligations while the workers run. */
export function watch(context: VendorContext): () => void {
  if (!process.stderr.isTTY) return () => undefined;
  const bar = progress('working', 1, 'obligations');
  let isDrawing = false;
  const timer = setInterval(() => {
    if (isDrawing) return;
    isDrawing = true;
    obligationProgress(context.db.kysely)
      .then(({ ended, all }) => bar.update(ended, all))
      .catch(() => undefined)
      .finally(() => (isDrawing = false));
  }, progressIntervalMs);
  return () => {
    clearInterval(timer);
    bar.stop();
  };
}

/** Exit code 0 if nothing is left to do; 1 if something failed for good and waits for an operator. */
function summarise({ tally }: RunningWorkers, nextDueAt: Date | null): ExitCode {
  const done = tally.total('done');
  const postponed = tally.total('postponed');
  const failed = tally.total('failed');
  say(
    `${done} done, ${postponed} to be fetched again, ${failed} failed, ${counted(tally.total('retried'), 'retry', 'retries')}`,
  );
  for (const { kind, code, count: times } of tally.failures()) say(`  failed: ${times} × ${kind} with ${code}`);
  if (failed > 0) say('See: npx idscan-ledger status    Try again: npx idscan-ledger reprocess --failed');
  if (nextDueAt) say(`Open transactions are due again from ${instant(nextDueAt)}.`);
  return failed > 0 ? 1 : 0;
}
