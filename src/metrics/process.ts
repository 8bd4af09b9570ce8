import { collectDefaultMetrics, Registry } from 'prom-client';

/** Each look at the event loop wakes the process: at 10 ms, the usual one, 0.8% of a CPU at rest; at 50 ms 0.2%. */
const eventLoopLookMs = 50;

let ofThisProcess: Registry | undefined;

/**
 * Adds `process_*` and `nodejs_*`. What observes the event loop and the garbage collection cannot be ended, so a process
 * begins it once, whoever asks and however often, and not before. It keeps no process from ending.
 */
export function addProcessMetrics(registry: Registry): void {
  if (!ofThisProcess) {
    ofThisProcess = new Registry();
    collectDefaultMetrics({ register: ofThisProcess, eventLoopMonitoringPrecision: eventLoopLookMs });
  }
  for (const metric of ofThisProcess.getMetricsAsArray()) registry.registerMetric(metric as never);
}
