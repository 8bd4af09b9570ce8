import { randomUUID } from 'node:crypto';
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { ExportResultCode, W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, type SpanExporter, TracerProvider } from '@opentelemetry/sdk-trace';
import type { Logger } from 'pino';
import type { TracingConfig } from '../config/config.ts';
import { errorCode, LedgerError } from '../errors.ts';
import { queueTelemetry } from './queues.ts';
import { sampler } from './sampler.ts';
import type { OpenSpan, Tracing } from './trace.ts';
import { orAfter } from '../within.ts';

/** How long the last spans may take to be sent. The process ends then, whatever the collector does. */
const flushDeadlineMs = 3_000;
const exportTimeoutMs = 5_000;
const warnEveryMs = 60_000;
const scope = 'idscan-ledger';

/**
 * Sends spans to an OpenTelemetry collector, in the background and in batches. Spans beyond the queue's size are
 * dropped. If the collector is down, the only effect is a warning a minute.
 */
export function openOtel(config: TracingConfig, log: Logger): Tracing & { readonly close: () => Promise<void> } {
  const exporter = new OTLPTraceExporter({
    url: `${config.endpoint.href.replace(/\/$/, '')}/v1/traces`,
    timeoutMillis: exportTimeoutMs,
  });
  const warnOfLoss = lossWarning(log);
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': config.serviceName, 'service.instance.id': randomUUID() }),
    sampler: sampler(config.sampleShare),
    spanLimits: { attributeValueLengthLimit: 256, attributeCountLimit: 32, eventCountLimit: 8, linkCountLimit: 8 },
    spanProcessors: [
      new BatchSpanProcessor({ exporter: watched(exporter, warnOfLoss), maxQueueSize: 4_096, maxExportBatchSize: 512 }),
    ],
  });
  // bullmq-otel finds its tracer through these globals.
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(provider);
  const tracer = trace.getTracer(scope);
  return {
    queues: queueTelemetry(scope),
    open: (name, kind, notes = {}): OpenSpan => {
      const span = tracer.startSpan(name, {
        kind: kind === 'server' ? SpanKind.SERVER : SpanKind.CLIENT,
        attributes: notes,
      });
      const within = trace.setSpan(context.active(), span);
      return {
        run: (work) => context.with(within, work),
        end: (more = {}, error) => {
          span.setAttributes(more);
          if (error !== undefined) {
            span.setAttribute('error.type', errorCode(error));
            span.setStatus({ code: SpanStatusCode.ERROR });
          }
          span.end();
        },
      };
    },
    close: async () => {
      const flushed = provider.shutdown().then(
        () => true,
        () => false,
      );
      if (!(await orAfter(flushDeadlineMs, flushed, false))) warnOfLoss();
      trace.disable();
      context.disable();
      propagation.disable();
    },
  };
}

/** Logs that spans are lost, at most once a minute. */
function lossWarning(log: Logger): () => void {
  let warnedAtMs = -warnEveryMs;
  return () => {
    if (performance.now() - warnedAtMs < warnEveryMs) return;
    warnedAtMs = performance.now();
    const err = new LedgerError('tracing_failed', 'The collector does not take the spans; they are lost.', {
      hint: 'Check OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_EXPORTER_OTLP_HEADERS. Nothing else is affected.',
    });
    log.warn({ err, code: err.code }, 'tracing failed');
  };
}

function watched(exporter: OTLPTraceExporter, onFailure: () => void): SpanExporter {
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        if (result.code !== ExportResultCode.SUCCESS) onFailure();
        done(result);
      }),
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush(),
  };
}
