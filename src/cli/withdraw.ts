import { composeBooks } from '../compose/books.ts';
import { withdraw as withdrawId } from '../jobs/intake/withdraw.ts';
import { currentUser } from './current-user.ts';
import { asSnakeCaseJson, instant, printable, say } from './output.ts';
import { type CommandInput, type ExitCode, usageError } from './run.ts';

/** `withdraw <transactionId> --reason <text> [--json]` */
export async function withdraw(
  id: string,
  { reason: given, json }: { readonly reason?: string; readonly json: boolean },
  { config }: CommandInput,
): Promise<ExitCode> {
  const reason = given?.trim() ?? '';
  if (reason === '')
    throw usageError('withdraw needs --reason.', 'Say why the ID leaves the books; it is kept with who and when.');
  const { context, close } = await composeBooks(config);
  try {
    const done = await withdrawId(context, { id, reason, withdrawnBy: currentUser() });
    const { transactionId, isNew, withdrawal } = done;
    if (json) {
      say(asSnakeCaseJson({ transactionId, isNew, ...withdrawal }));
      return 0;
    }
    const { withdrawnAt, withdrawnBy, reason: kept } = withdrawal;
    say(
      ...(isNew
        ? [
            `${transactionId} is withdrawn: it is no longer fetched and blocks no close.`,
            `Was it right after all? idscan-ledger enqueue ${transactionId}`,
          ]
        : [printable(`${transactionId} was withdrawn before, on ${instant(withdrawnAt)} by ${withdrawnBy}: ${kept}`)]),
    );
    return 0;
  } finally {
    await close();
  }
}
