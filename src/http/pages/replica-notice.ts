import type { Behind } from '../../db/replica.ts';
import { counted } from './format.ts';
import { type Html, html } from './html.ts';
import { notice } from './layout.ts';

/** A delay of this many seconds is not worth a notice. */
const toleratedSeconds = 5;

/** Says how old a page from a standby may be. */
export function behindNotice(behind: Behind | null | undefined): Html | null {
  if (!behind || (behind.seconds !== null && behind.seconds <= toleratedSeconds)) return null;
  const age = behind.seconds === null ? 'of unknown age' : html`${counted(BigInt(behind.seconds), 'second')} old`;
  return notice(
    'warn',
    html`<p>
      This page is ${age}: it was read from a standby, which is behind. Reports and closing are not affected.
    </p>`,
  );
}
