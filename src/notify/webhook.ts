import { EnvHttpProxyAgent, request } from 'undici';
import type { NotificationConfig } from '../config/config.ts';
import { LedgerError } from '../errors.ts';
import type { ProxySettings } from '../config/proxy.ts';
import type { Channel, Notice } from './channel.ts';

type WebhookConfig = NonNullable<NotificationConfig['webhook']>;

/** Posts messages as JSON. Follows no redirects, and reads only the status of the response. */
export function createWebhookChannel(config: WebhookConfig, proxy: ProxySettings): Channel {
  const isProxied = config.url.protocol === 'https:';
  const dispatcher = new EnvHttpProxyAgent({
    httpProxy: '',
    httpsProxy: isProxied ? (proxy.httpsProxy ?? '') : '',
    noProxy: isProxied ? (proxy.noProxy ?? '') : '*',
    connections: 2,
  });
  return {
    name: 'webhook',
    send: async (notice, signal) => {
      const status = await post(config, dispatcher, notice, signal);
      if (status < 200 || status >= 300)
        throw new LedgerError('notification_failed', `The receiver of notifications answered ${status}.`, {
          fields: { channel: 'webhook', status },
          hint: 'Check NOTIFY_WEBHOOK_URL and NOTIFY_WEBHOOK_SECRET, and what the receiver takes.',
        });
    },
    close: () => dispatcher.destroy(),
  };
}

async function post(
  { url, secret, secretHeader }: WebhookConfig,
  dispatcher: EnvHttpProxyAgent,
  { id, kind, period, createdAt, message }: Notice,
  signal: AbortSignal,
): Promise<number> {
  try {
    const { statusCode, body } = await request(url, {
      dispatcher,
      signal,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'idscan-ledger',
        'idempotency-key': id,
        ...(secret === undefined ? {} : { [secretHeader]: secret }),
      },
      body: JSON.stringify({ id, kind, period, created_at: createdAt.toISOString(), ...message }),
    });
    body.on('error', () => undefined).destroy();
    return statusCode;
  } catch (cause) {
    const { code } = cause as { code?: unknown };
    throw new LedgerError('notification_failed', 'The receiver of notifications does not answer.', {
      fields: { channel: 'webhook', reason: typeof code === 'string' ? code : 'error' },
      hint: 'Check NOTIFY_WEBHOOK_URL and the network.',
      cause,
    });
  }
}
