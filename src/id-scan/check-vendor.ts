import { LedgerError } from '../errors.ts';
import type { VendorClient } from './client.ts';
import { vendorError } from './failures.ts';

/**
 * The vendor's `Date` has whole seconds, and its response takes some time. How much skew the vendor accepts is not
 * documented.
 */
const maxSkewMs = 5_000;

/**
 * Checks that the vendor can be reached, accepts our token, and that its clock and ours agree: a token is valid only
 * from its issue time on.
 *
 * @returns what was found, in one line.
 * @throws LedgerError `vendor_…`, `clock_skewed`
 */
export async function checkVendor(vendor: Pick<VendorClient, 'probe'>, now: () => Date): Promise<string> {
  const askedAt = now();
  const { status, date } = await vendor.probe();
  const answeredAt = now();
  const skewMs = date ? skewOf(date, askedAt, answeredAt) : null;
  const clocks = skewMs === null ? 'says no time' : `its clock is ${agreement(skewMs)}`;
  if (skewMs !== null && Math.abs(skewMs) > maxSkewMs)
    throw new LedgerError('clock_skewed', `The vendor answered ${status}, and ${clocks}.`, {
      fields: { skewMs, status },
      hint: 'Synchronise this machine’s clock (NTP): a token made by a wrong clock is not valid there.',
    });
  if (status === 401)
    throw vendorError('vendor_unauthorized', `The vendor does not take the token (401); ${clocks}.`, { status });
  if (status === 403)
    throw vendorError('vendor_forbidden', `The vendor knows the key and lets it read no transactions (403).`, {
      status,
    });
  return `token accepted (${status} for a transaction that nobody has), ${clocks}`;
}

/**
 * How far the vendor's clock is ahead of ours, in milliseconds. 0 if rounding and transport could explain the
 * difference.
 */
function skewOf(date: Date, askedAt: Date, answeredAt: Date): number {
  const earliest = date.getTime() - answeredAt.getTime();
  const latest = date.getTime() + 999 - askedAt.getTime();
  if (earliest > 0) return earliest;
  return latest < 0 ? latest : 0;
}

function agreement(skewMs: number): string {
  if (skewMs === 0) return 'ours';
  return `${(Math.abs(skewMs) / 1_000).toLocaleString('en', { maximumFractionDigits: 1 })} s ${skewMs > 0 ? 'ahead of' : 'behind'} ours`;
}
