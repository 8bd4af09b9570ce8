import type { Config } from '../config/config.ts';
import type { Context } from '../jobs/context.ts';
import { noTracing, type Tracing } from '../tracing/trace.ts';
import type { Add } from './closing.ts';

/** Traces if a collector is configured. Otherwise OpenTelemetry is not even loaded. */
export async function tracingOn({ tracing }: Config, log: Context['log'], add: Add): Promise<Tracing> {
  if (!tracing) return noTracing;
  const { openOtel } = await import('../tracing/otel.ts');
  const opened = openOtel(tracing, log);
  add(opened.close);
  return opened;
}
