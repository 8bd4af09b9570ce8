import { claimDelivery, type DueDelivery, failDelivery, finishDelivery } from '../../db/notifications.ts';
import { errorCode } from '../../errors.ts';
import type { Channel } from '../../notify/channel.ts';
import type { NotifyingContext } from '../context.ts';

const sendTimeoutMs = 20_000;
/** Longer than a try may take, so that no other process makes it meanwhile. */
const leaseMs = 60_000;
const firstDelayMs = 15_000;
const longestDelayMs = 3_600_000;
/** A receiver that is away for longer is not told any more: what was to be said is on the pages. */
const givenUpAfterMs = 72 * 3_600_000;

export type Deliveries = { readonly delivered: number; readonly failed: number };

/**
 * Sends what is due, on each channel one after the other. A crash between sending and noting it means that it is sent
 * again, with the same ID; a receiver that fails is tried again later and later, for three days.
 *
 * @param signal ends it between two messages, and breaks off those under way.
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
