import type { ErrorCode } from '../../errors.ts';
import type { ChannelName, ObligationKind } from '../../db/schema.ts';

/** What workers tell whoever measures them. Counting never fails and never waits. */
export type Meter = {
  /** A request to the vendor; `status` is `null` where no answer began. */
  readonly vendorRequest: (status: number | null, durationMs: number) => void;
  readonly retried: (kind: ObligationKind, code: ErrorCode) => void;
  /** All calls to the vendor pause: a 429, or an outage. */
  readonly paused: (cause: 'rate_limited' | 'outage', durationMs: number) => void;
  /** What was due and in no queue, and was put back. */
  readonly swept: (count: number) => void;
  /** A notification was taken by its receiver, or was not. */
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
