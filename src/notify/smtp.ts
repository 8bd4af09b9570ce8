import { createTransport } from 'nodemailer';
import type { NotificationConfig } from '../config/config.ts';
import { LedgerError } from '../errors.ts';
import { isLoopback } from '../config/urls.ts';
import type { Channel, Notice } from './channel.ts';

type MailConfig = NonNullable<NotificationConfig['smtp']>;

/** Sends messages as plain text mail. The connection is encrypted unless the server is on this machine. */
export function createMailChannel({ url: text, from, to }: MailConfig): Channel {
  const url = new URL(text);
  const isImplicitTls = url.protocol === 'smtps:';
  // Not given as a URL, because a URL's query could override these settings.
  const transport = createTransport({
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (isImplicitTls ? 465 : 587) : Number(url.port),
    secure: isImplicitTls,
    requireTLS: !isImplicitTls && !isLoopback(new URL(`http://${url.host}`)),
    ...(url.username === ''
      ? {}
      : { auth: { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) } }),
    connectionTimeout: 10_000,
    greetingTimeout: 10_000,
    socketTimeout: 15_000,
    socketCloseTimeout: 0,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    name: 'smtp',
    send: async (notice, signal) => {
      try {
        await transport.sendMail({ ...mailOf(notice, from), from, to: [...to], signal });
      } catch (cause) {
        const { code, responseCode } = cause as { code?: unknown; responseCode?: unknown };
        throw new LedgerError('notification_failed', 'The mail server did not take a notification.', {
          fields: {
            channel: 'smtp',
            reason: typeof code === 'string' ? code : 'error',
            ...(typeof responseCode === 'number' ? { status: responseCode } : {}),
          },
          hint: 'Check NOTIFY_SMTP_URL, NOTIFY_FROM and NOTIFY_TO.',
        });
      }
    },
    close: () => {
      transport.close();
      return Promise.resolve();
    },
  };
}

/** The message ID comes from the notification, so that a mailbox that gets it twice can show it once. */
function mailOf({ id, kind, period, createdAt, message }: Notice, from: string) {
  const { text, ...rest } = message;
  const summary = typeof text === 'string' ? text : '';
  return {
    messageId: `<${id}@${from.slice(from.indexOf('@') + 1)}>`,
    subject: `ID Scan costs of ${period}: ${kind.replaceAll('_', ' ')}`,
    date: createdAt,
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Idempotency-Key': id },
    text: `${summary}\n\n${lines(rest).join('\n')}\n`,
  };
}

/** The figures below the summary, one per line: `totals.amount: 12.50`. */
function lines(values: object, path = ''): string[] {
  return Object.entries(values).flatMap(([name, value]: [string, unknown]) => {
    if (value === null || value === undefined) return [];
    if (typeof value === 'object') return lines(value, `${path}${name}.`);
    return [`${path}${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`];
  });
}
