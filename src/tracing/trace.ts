import type { Telemetry } from 'bullmq';

export type SpanKind = 'server' | 'client';
export type SpanNotes = Readonly<Record<string, string | number | boolean>>;

/** A piece of work that is being timed. */
export type OpenSpan = {
  /** Runs what belongs to it: spans that begin in there are its children. */
  readonly run: <T>(work: () => T) => T;
  /** @param error its code is kept, nothing else of it. */
  readonly end: (notes?: SpanNotes, error?: unknown) => void;
};

/**
 * Says where time goes. Names and notes hold patterns, codes and counts: no paths, queries, headers, tokens or content.
 * Tracing never fails and never waits.
 */
export type Tracing = {
  readonly open: (name: string, kind: SpanKind, notes?: SpanNotes) => OpenSpan;
  /** For the queues; `undefined` = they are not traced. */
  readonly queues: Telemetry | undefined;
};

const nothing: OpenSpan = { run: (work) => work(), end: () => undefined };

/** Traces nothing, and loads nothing for it. */
export const noTracing: Tracing = { open: () => nothing, queues: undefined };

/** Times a piece of work that is one call. */
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
