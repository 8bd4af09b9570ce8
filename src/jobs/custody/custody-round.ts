import { countClear } from '../../db/clear-files.ts';
import { withNamedLock } from '../../db/report-runs.ts';
import type { Documents, VendorContext } from '../context.ts';
import { carryOutErasures } from './destroy.ts';
import { keepHoldCopies } from './hold-copies.ts';
import { keepRetention, newRounds } from './retention.ts';
import { takeOverClear } from './take-over.ts';

/** What one round of custody did. */
export type CustodyRound = { readonly erased: number; readonly retired: number; readonly encrypted: number };

/** Whether a round found so much to do that the next one should follow at once. */
export const isBusy = (round: CustodyRound | undefined): boolean =>
  round !== undefined && round.erased + round.retired + round.encrypted > 0;

/** Runs `work` while no other process destroys documents. @returns `undefined` if one does. */
export const withCustody = <T>({ db }: Pick<VendorContext, 'db'>, work: () => Promise<T>): Promise<T | undefined> =>
  withNamedLock(db, 'custody', work);

/**
 * What workers do for custody from time to time, one process at a time: keep copies of holds, carry out erasures, keep to retention, and
 * encrypt what earlier versions stored in the clear.
 *
 * @returns a function that does a round. It resolves to `undefined` if another process is at it.
 */
export function custodyRounds(
  context: VendorContext,
  documents: Documents,
): (signal: AbortSignal) => Promise<CustodyRound | undefined> {
  const rounds = newRounds();
  let isAllEncrypted = false;
  return (signal) =>
    withCustody(context, async () => {
      const { store } = documents;
      // Before the orders, which would destroy what is held.
      const held = await keepHoldCopies(context, store);
      if (held > 0) context.log.warn({ held }, 'legal holds that the books had lost are in force again');
      const erased = await carryOutErasures(context, store, signal);
      const retired = await keepRetention(context, store, rounds, signal);
      const encrypted = isAllEncrypted ? 0 : await takeOverClear(context, documents, signal);
      // Nothing is stored in the clear any more, so once is enough.
      isAllEncrypted = encrypted === 0 && (await countClear(context.db.kysely)) === 0;
      const round = { erased, retired, encrypted };
      if (erased + retired + encrypted > 0) context.log.info(round, 'custody of stored documents');
      return round;
    });
}
