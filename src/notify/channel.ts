import type { ChannelName } from '../db/schema.ts';
import type { NotificationKind } from '../domain/notification-kinds.ts';

/** A message as receivers get it: totals and codes, but no personal data, transaction IDs or secrets. */
export type Notice = {
  /** The same at every repetition, so that a receiver recognises a message that it got twice. */
  readonly id: string;
  readonly kind: NotificationKind;
  readonly period: string;
  readonly createdAt: Date;
  readonly message: Record<string, unknown>;
};

/** A way to send messages. */
export type Channel = {
  readonly name: ChannelName;
  /** @throws LedgerError `notification_failed` unless the receiver accepted it. */
  readonly send: (notice: Notice, signal: AbortSignal) => Promise<void>;
  readonly close: () => Promise<void>;
};
