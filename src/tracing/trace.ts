import type { Telemetry } from 'bullmq';

export type SpanKind = 'server' | 'client';
export type SpanNotes = Readonly<Record<string, string | number | boolean>>;

/** An operation that is being timed. */
export type OpenSpan = {
  /** Runs work as part of it: spans opened by that work are its children. */
  readonly run: <T>(work: () => T) => T;
  /** @param error only its code is kept. */
  readonly end: (notes?: SpanNotes, error?: unknown) => void;
};

/**
 * Measures where time goes. Names and notes contain patterns, codes and counts, but no paths, queries, headers, tokens
 * or content. Tracing never fails and never waits.
 */
export type Tracing = {
  readonly open: (name: string, kind: SpanKind, notes?: SpanNotes) => OpenSpan;
  /** For the queues; `undefined` = they are not traced. */
  readonly queues: Telemetry | undefined;
};

const nothing: OpenSpan = { run: (work) => work(), end: () => undefined };

/** Traces nothing and loads no tracing package. */
export const noTracing: Tracing = { open: () => nothing, queues: undefined };

/** Traces one call. */
export function traced<T>(
  { open }: Pick<Tracing, 'open'>,
  [name, kind, notes]: readonly [name: string, kind: SpanKind, notes: SpanNotes],
  work: () => Promise<T>,
): Promise<T> {
  const span = open(name, kind, notes);
  return span.run(work).then(
    (value) => {
      span.end();
      return value;
    },
    (error: unknown) => {
      span.end({}, error);
      throw error;
    },
  );
}
