import type { NotificationConfig } from '../config.ts';
import type { ProxySettings } from '../vendor/dispatcher.ts';
import type { ChannelName, NotificationKind } from '../db/schema.ts';

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

/** Opens the channels that are configured; connects to nothing yet, and loads what sends mail only where mail is sent. */
export async function openChannels(config: NotificationConfig, proxy: ProxySettings): Promise<Channel[]> {
  const channels: Channel[] = [];
  if (config.webhook) channels.push((await import('./webhook.ts')).createWebhookChannel(config.webhook, proxy));
  if (config.smtp) channels.push((await import('./smtp.ts')).createMailChannel(config.smtp));
  return channels;
}
