import { claimDelivery, type DueDelivery, failDelivery, finishDelivery } from '../../db/notifications.ts';
import { errorCode } from '../../errors.ts';
import type { Channel } from '../../notify/channel.ts';
import type { NotifyingContext } from '../context.ts';

const sendTimeoutMs = 20_000;
/** Longer than a try may take, so that no other process sends the same message meanwhile. */
const leaseMs = 60_000;
const firstDelayMs = 15_000;
const longestDelayMs = 3_600_000;
/** After this time a message is given up. What it would have said is on the pages. */
const givenUpAfterMs = 72 * 3_600_000;

export type Deliveries = { readonly delivered: number; readonly failed: number };

/**
 * Sends the messages that are due, one after the other on each channel. After a crash between sending and recording it,
 * a message is sent again with the same ID. If a receiver fails, it is tried again at growing intervals for three days.
 *
 * @param signal stops between two messages, and aborts those being sent.
 */
export async function deliverNotifications(context: NotifyingContext, signal?: AbortSignal): Promise<Deliveries> {
  const { channels, counted } = context.notifications;
  const ends = { delivered: 0, failed: 0 };
  await Promise.all(
    channels.map(async (channel) => {
      while (!signal?.aborted) {
        const delivery = await claimDelivery(context.db.kysely, channel.name, leaseMs);
        if (!delivery) return;
        const end = await deliver(context, channel, delivery, signal);
        ends[end] += 1;
        counted(channel.name, end);
      }
    }),
  );
  return ends;
}

async function deliver(
  { db, log: parent }: NotifyingContext,
  channel: Channel,
  delivery: DueDelivery,
  ending: AbortSignal | undefined,
): Promise<keyof Deliveries> {
  const { id, kind, period, attemptsMade, ageMs } = delivery;
  const log = parent.child({ notificationId: id, channel: channel.name, kind, period });
  const timeout = AbortSignal.timeout(sendTimeoutMs);
  try {
    await channel.send(delivery, ending ? AbortSignal.any([timeout, ending]) : timeout);
  } catch (error) {
    const delayMs = ageMs > givenUpAfterMs ? null : Math.min(longestDelayMs, firstDelayMs * 2 ** attemptsMade);
    await failDelivery(db.kysely, delivery, errorCode(error), delayMs);
    const fields = { err: error, code: errorCode(error), attempt: attemptsMade + 1, delayMs };
    if (delayMs === null) log.error(fields, 'notification given up');
    else log.warn(fields, 'notification not delivered, it will be tried again');
    return 'failed';
  }
  await finishDelivery(db.kysely, delivery);
  log.info('notification delivered');
  return 'delivered';
}
