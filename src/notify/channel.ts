import type { ChannelName } from '../db/schema.ts';
import type { NotificationKind } from '../domain/notification-kinds.ts';

/** A message as receivers get it. It has totals and codes; no personal data, no transaction IDs, no secrets. */
export type Notice = {
  /** The same at every repetition: by it a receiver that was told twice knows. */
  readonly id: string;
  readonly kind: NotificationKind;
  readonly period: string;
  readonly createdAt: Date;
  readonly message: Record<string, unknown>;
};

/** A way to tell people. */
export type Channel = {
  readonly name: ChannelName;
  /** @throws LedgerError `notification_failed` unless the receiver has taken it. */
  readonly send: (notice: Notice, signal: AbortSignal) => Promise<void>;
  readonly close: () => Promise<void>;
};
