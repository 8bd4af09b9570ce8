import { isClosedForReading } from '../../db/document-accesses.ts';
import { type DocumentRow, documentRows } from '../../db/stored-documents.ts';
import { normaliseId } from '../../domain/transaction-id.ts';
import { LedgerError } from '../../errors.ts';
import type { Context } from '../context.ts';

/** What there is of a transaction, without content. Listing it is no access. */
export type DocumentList = {
  readonly transactionId: string;
  /** Its documents are to be erased, or were: nobody reads them. */
  readonly isClosed: boolean;
  readonly documents: readonly DocumentRow[];
};

/** @throws LedgerError `transaction_unknown`, `database_unavailable` */
export async function listDocuments({ db }: Pick<Context, 'db'>, id: string): Promise<DocumentList> {
  const transactionId = normaliseId(id);
  const documents = transactionId === undefined ? undefined : await documentRows(db.kysely, transactionId);
  if (transactionId === undefined || !documents)
    throw new LedgerError('transaction_unknown', 'The books know no transaction of this ID.', {
      hint: 'Is it the ID of a result? npx idscan-ledger explain <resultId> names the transaction.',
    });
  return { transactionId, isClosed: await isClosedForReading(db.kysely, transactionId), documents };
}

/** Whether a document was stored once and not erased since. What is lost or damaged now is tried, and refused. */
export const wasStored = ({ state }: DocumentRow): boolean =>
  state === 'stored' || state === 'lost' || state === 'damaged';
