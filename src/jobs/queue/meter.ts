import type { ErrorCode } from '../../errors.ts';
import type { ChannelName, ObligationKind } from '../../db/schema.ts';

/** What the workers report to the metrics. Counting never fails and never waits. */
export type Meter = {
  /** A request to the vendor; `status` is `null` if no response began. */
  readonly vendorRequest: (status: number | null, durationMs: number) => void;
  readonly retried: (kind: ObligationKind, code: ErrorCode) => void;
  /** All calls to the vendor pause: a 429, or an outage. */
  readonly paused: (cause: 'rate_limited' | 'outage', durationMs: number) => void;
  /** How many obligations the sweep put back into a queue. */
  readonly swept: (count: number) => void;
  /** A try to deliver a notification succeeded or failed. */
  readonly notified: (channel: ChannelName, outcome: 'delivered' | 'failed') => void;
};

/** Measures nothing. */
export const noMeter: Meter = {
  vendorRequest: () => undefined,
  retried: () => undefined,
  paused: () => undefined,
  swept: () => undefined,
  notified: () => undefined,
};
