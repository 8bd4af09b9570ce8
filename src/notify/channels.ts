import type { NotificationConfig } from '../config/config.ts';
import type { ProxySettings } from '../config/proxy.ts';
import type { Channel } from './channel.ts';

/** Opens the configured channels. Connects to nothing yet, and loads the mail package only if mail is configured. */
export async function openChannels(config: NotificationConfig, proxy: ProxySettings): Promise<Channel[]> {
  const channels: Channel[] = [];
  if (config.webhook) channels.push((await import('./webhook.ts')).createWebhookChannel(config.webhook, proxy));
  if (config.smtp) channels.push((await import('./smtp.ts')).createMailChannel(config.smtp));
  return channels;
}
