import { context, type Context, ROOT_CONTEXT } from '@opentelemetry/api';
import type { Telemetry } from 'bullmq';
import { BullMQOtel } from 'bullmq-otel';
import { errorCode } from '../errors.ts';

type QueueSpan = Omit<ReturnType<Telemetry<Context>['tracer']['startSpan']>, 'setSpanOnContext'> & {
  readonly setSpanOnContext: (within: Context) => Context;
};

/** The attributes that a queue's spans may have. Results, options, data and failures of jobs are left out. */
const allowedAttributes = new Set([
  'bullmq.queue.name',
  'bullmq.queue.operation',
  'bullmq.job.id',
  'bullmq.job.name',
  'bullmq.job.bulk.count',
  'bullmq.job.attempts.made',
  'bullmq.job.processed.timestamp',
  'bullmq.job.attempt_finished_timestamp',
]);

/**
 * Spans of queues and jobs by bullmq-otel, without attributes that may be sensitive. A failure is reduced to its code.
 */
export function queueTelemetry(tracerName: string): Telemetry {
  const { tracer, contextManager } = new BullMQOtel({ tracerName }) as unknown as Telemetry<Context>;
  const telemetry: Telemetry<Context> = {
    tracer: { startSpan: (...args) => redacted(tracer.startSpan(...args) as QueueSpan) },
    contextManager: {
      with: contextManager.with.bind(contextManager),
      active: () => context.active(),
      getMetadata: (within) => contextManager.getMetadata(within),
      fromMetadata: (active, metadata): Context => contextManager.fromMetadata(active, metadata) as Context,
      // Otherwise the watch over stalled jobs would be one trace that never ends.
      root: () => ROOT_CONTEXT,
    },
  };
  return telemetry;
}

function redacted(span: QueueSpan): QueueSpan {
  return {
    setSpanOnContext: (within) => span.setSpanOnContext(within),
    setAttribute: (name, value) => {
      if (allowedAttributes.has(name)) span.setAttribute(name, value);
    },
    setAttributes: (attributes) =>
      span.setAttributes(
        Object.fromEntries(Object.entries(attributes).filter(([name]) => allowedAttributes.has(name))),
      ),
    addEvent: (name) => span.addEvent(name),
    recordException: (error) => span.addEvent('failed', { 'error.type': errorCode(error) }),
    end: () => span.end(),
  };
}
