import type { Behind } from '../../db/replica.ts';
import { counted } from './format.ts';
import { type Html, html } from './html.ts';
import { notice } from './layout.ts';

/** Nobody minds a few seconds. */
const unminded = 5;

/** Says how old a page may be that was read from a standby. */
export function behindNotice(behind: Behind | null | undefined): Html | null {
  if (!behind || (behind.seconds !== null && behind.seconds <= unminded)) return null;
  const age = behind.seconds === null ? 'of unknown age' : html`${counted(BigInt(behind.seconds), 'second')} old`;
  return notice(
    'warn',
    html`<p>
      This page is ${age}: it was read from a standby, which is behind. Reports and closing are not affected.
    </p>`,
  );
}
