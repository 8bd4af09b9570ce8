import { SpanKind } from '@opentelemetry/api';
import { AlwaysOffSampler, type Sampler, TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace';

/**
 * Keeps a share of all traces, each one whole. Only requests, jobs and calls are traced. What queues do internally all
 * day (looking for jobs, extending locks) is left out.
 */
export function sampler(share: number): Sampler {
  const kept = new TraceIdRatioBasedSampler(share);
  const none = new AlwaysOffSampler();
  return {
    shouldSample: (context, traceId, _name, kind) =>
      kind === SpanKind.INTERNAL ? none.shouldSample() : kept.shouldSample(context, traceId),
    toString: () => `requests, jobs and calls of ${share}`,
  };
}
