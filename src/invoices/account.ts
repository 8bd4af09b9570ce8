import { LedgerError } from '../errors.ts';
import type { Layout } from './layout/layout.ts';
import { layoutMismatch, type Mistake, shown, type Source } from './refusals.ts';
import { normalised } from './values/cells.ts';

/** An account that a file says, and where. */
export type StatedAccount = { readonly text: string; readonly at: number | string };

/**
 * Refuses an invoice of another account than the layout is for. Capitals and the space around it do not matter.
 *
 * @param stated all that the file says of its account. @param isEach whether each of it has to be the account, or one.
 * @throws LedgerError `account_differs`, `layout_mismatch` if the file says none
 */
export function requireAccount(
  { invoice: { account } }: Layout,
  stated: readonly StatedAccount[],
  source: Source,
  { isEach }: { readonly isEach: boolean },
): void {
  if (account === undefined) return;
  const said = stated.filter(({ text }) => normalised(text) !== '');
  if (said.length === 0)
    throw layoutMismatch(source, [
      { at: undefined, message: `says no account, and by invoice.account it has to be ${shown(account.value)}` },
    ]);
  const others = said.filter(({ text }) => plain(text) !== plain(account.value));
  const [first] = others;
  if (!first || (!isEach && others.length < said.length)) return;
  throw accountDiffers(source, {
    at: first.at,
    message: `the account is ${shown(first.text)}, not ${shown(account.value)}`,
  });
}

const plain = (text: string): string => normalised(text).toLowerCase();

const accountDiffers = ({ name }: Source, { at, message }: Mistake): LedgerError =>
  new LedgerError('account_differs', `${name}:${at}: ${message}`, {
    hint: 'Give the invoice of this account, or correct invoice.account of the layout. Nothing was kept.',
  });
