import { type Environment, loadConfig } from '../../../src/config/config.ts';
import { checkThresholds } from '../../../src/jobs/notify/check-notifications.ts';
import type { NotifyingContext } from '../../../src/jobs/context.ts';
import { openChannels } from '../../../src/notify/channels.ts';
import { withAttempts } from '../../support/attempts.ts';
import { atEnd, type TestContext } from '../../support/books.ts';
import { startReceiver } from '../../support/receivers.ts';

export const secret = 'a-secret-of-the-receiver';

/** Books that tell somebody, as if it were the 20th of October. */
export async function telling(context: TestContext, environment: Environment) {
  const { notifications } = loadConfig(environment, { vendorKey: false, notifications: true });
  const channels = await openChannels(notifications!, {});
  for (const { close } of channels) atEnd(close);
  const counts: string[] = [];
  const { kinds, monthlyBudget, publicUrl } = notifications!;
  const counted = (channel: string, outcome: string) => void counts.push(`${channel} ${outcome}`);
  return {
    ...context,
    now: () => new Date('2026-10-20T12:00:00Z'),
    notifications: { kinds, monthlyBudget, publicUrl, channels, counted },
    counts,
  };
}

export const lookNow = (context: NotifyingContext) => checkThresholds(context, 0);
export const bodies = (received: readonly { body: string }[]) =>
  received.map(({ body }) => JSON.parse(body) as Record<string, unknown> & { id: string; kind: string; text: string });

export async function withReceiver(more: Environment = {}, books: () => Promise<TestContext> = withAttempts) {
  const receiver = await startReceiver();
  const context = await telling(await books(), {
    NOTIFY_WEBHOOK_URL: `${receiver.url}/hook`,
    NOTIFY_WEBHOOK_SECRET: secret,
    HTTP_PUBLIC_URL: 'https://idscan.example.com',
    ...more,
  });
  return { receiver, context };
}
