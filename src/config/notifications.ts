import { z } from 'zod';
import { originText } from './service.ts';
import { type Environment, secret } from './values.ts';
import { type NotificationKind, notificationKinds } from '../domain/notification-kinds.ts';
import { type Micros, parsePrice } from '../domain/money.ts';
import { isDecodable, isLoopback } from './urls.ts';

/** Where to send notifications, and which. Contains secrets: never logged. */
export type NotificationConfig = {
  readonly kinds: readonly NotificationKind[];
  /** The budget of a month, in the price list's currency; `undefined` = no budget is watched. */
  readonly monthlyBudget: Micros | undefined;
  /** The address of the pages, for links; without a path. */
  readonly publicUrl: URL | undefined;
  readonly webhook:
    | { readonly url: URL; readonly secret: string | undefined; readonly secretHeader: string }
    | undefined;
  readonly smtp: { readonly url: string; readonly from: string; readonly to: readonly string[] } | undefined;
};

const address = /^[^\s<>,;:"@()[\]\\]{1,64}@[A-Za-z0-9.-]{1,253}$/;
const isAddress = (text: string): boolean => address.test(text);

const schema = z.object({
  NOTIFY_ON: z
    .string()
    .default(notificationKinds.join(','))
    .transform((text) => text.split(',').map((one) => one.trim()))
    .refine((all) => all.every(isKind), `must be some of ${notificationKinds.join(', ')}, comma-separated`)
    .transform((all) => notificationKinds.filter((kind) => all.includes(kind))),
  NOTIFY_MONTHLY_BUDGET: z
    .string()
    .refine((text) => (parsePrice(text) ?? 0n) > 0n, 'must be an amount above 0 such as 1500 or 1500.00')
    .transform((text) => parsePrice(text))
    .optional(),
  NOTIFY_WEBHOOK_SECRET_HEADER: z
    .string()
    .default('x-idscan-ledger-secret')
    .transform((text) => text.toLowerCase())
    .refine(
      (name) => /^[a-z][a-z0-9-]{1,63}$/.test(name) && !/^(host|connection|content-.*|transfer-encoding)$/.test(name),
      'must be the name of a header, such as authorization or one of your own',
    ),
  NOTIFY_FROM: z.string().refine(isAddress, 'must be one mail address').optional(),
  NOTIFY_TO: z
    .string()
    .transform((text) => text.split(',').map((one) => one.trim()))
    .refine((all) => all.every(isAddress), 'must be mail addresses, comma-separated')
    .optional(),
  HTTP_PUBLIC_URL: originText.optional(),
});

/**
 * Reads the variables of notifications. Adds every mistake to `problems`, naming variables but never values.
 *
 * @returns `undefined` if no channel is configured.
 */
export function notificationConfig(given: Environment, problems: string[]): NotificationConfig | undefined {
  const webhookUrl = secret(given, 'NOTIFY_WEBHOOK_URL', false, problems);
  const webhookSecret = secret(given, 'NOTIFY_WEBHOOK_SECRET', false, problems);
  const smtpUrl = secret(given, 'NOTIFY_SMTP_URL', false, problems);
  const parsed = schema.safeParse(given);
  if (!parsed.success) problems.push(...parsed.error.issues.map((one) => `${one.path.join('.')} ${one.message}`));
  const url = webhookUrl === undefined ? undefined : (URL.parse(webhookUrl) ?? undefined);
  if (webhookUrl !== undefined && !isReceiver(url))
    problems.push(
      'NOTIFY_WEBHOOK_URL must be an https URL without credentials (plain http for loopback addresses alone)',
    );
  if (webhookSecret !== undefined && !/^[!-~][ -~]{7,499}$/.test(webhookSecret))
    problems.push('NOTIFY_WEBHOOK_SECRET must have 8 to 500 visible ASCII characters');
  if (webhookSecret !== undefined && webhookUrl === undefined)
    problems.push('NOTIFY_WEBHOOK_SECRET needs NOTIFY_WEBHOOK_URL');
  if (smtpUrl !== undefined && !isMailServer(smtpUrl))
    problems.push('NOTIFY_SMTP_URL must be smtps://user:password@host:465 or smtp://user:password@host:587');
  const { NOTIFY_FROM: from, NOTIFY_TO: to } = parsed.data ?? {};
  const mail = { NOTIFY_SMTP_URL: smtpUrl, NOTIFY_FROM: given['NOTIFY_FROM'], NOTIFY_TO: given['NOTIFY_TO'] };
  const missing = Object.entries(mail).filter(([, value]) => value === undefined);
  if (missing.length < 3) problems.push(...missing.map(([name]) => `${name} is not set, but mail is to be sent`));
  const { NOTIFY_MONTHLY_BUDGET: budget, NOTIFY_ON: kinds } = parsed.data ?? {};
  if (budget !== undefined && webhookUrl === undefined && smtpUrl === undefined)
    problems.push('NOTIFY_MONTHLY_BUDGET needs somebody to tell: NOTIFY_WEBHOOK_URL or NOTIFY_SMTP_URL');
  if (budget !== undefined && kinds && !kinds.includes('budget'))
    problems.push('NOTIFY_MONTHLY_BUDGET is set, but NOTIFY_ON leaves budget out');
  if (!parsed.success || (webhookUrl === undefined && smtpUrl === undefined)) return undefined;
  const env = parsed.data;
  return Object.freeze({
    kinds: env.NOTIFY_ON,
    monthlyBudget: env.NOTIFY_MONTHLY_BUDGET,
    publicUrl: env.HTTP_PUBLIC_URL,
    webhook: url && { url, secret: webhookSecret, secretHeader: env.NOTIFY_WEBHOOK_SECRET_HEADER },
    smtp: smtpUrl !== undefined && from !== undefined && to !== undefined ? { url: smtpUrl, from, to } : undefined,
  });
}

const isKind = (text: string): boolean => notificationKinds.some((kind) => kind === text);

function isReceiver(url: URL | undefined): boolean {
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url));
  return isSafe && url.username === '' && url.password === '' && url.hash === '';
}

function isMailServer(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || !/^smtps?:$/.test(url.protocol) || url.hostname === '') return false;
  return /^\/?$/.test(url.pathname) && url.search === '' && url.hash === '' && isDecodable(url.username + url.password);
}
