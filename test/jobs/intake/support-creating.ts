import pg from 'pg';
import type { QueueContext } from '../../../src/jobs/context.ts';
import { type CreationInput, createTransaction } from '../../../src/jobs/intake/create-transaction.ts';
import type { TransactionRequest } from '../../../src/domain/transaction-request.ts';
import { LedgerError } from '../../../src/errors.ts';
import { asOwner, atEnd, createTestContext } from '../../support/books.ts';

export const scan = { tasks: ['document_scan'] };

/** What the vendor says to a request, the how-manieth it is, from 1. */
export type Says = (request: TransactionRequest, count: number) => Promise<Answered> | Answered;
type Answered = { readonly transactionId: string; readonly url: string | null; readonly expires: Date | null };

export const answered = (transactionId: string, expiresInMs = 3_600_000): Answered => ({
  transactionId,
  url: `http://127.0.0.1/frame/${transactionId}`,
  expires: new Date(Date.now() + expiresInMs),
});

/** Books, and a vendor that says what a test has it say. */
export async function creating(
  says: Says = (_request, count) => answered(`t-${count}`),
  queue: Partial<QueueContext['queues']> = {},
) {
  const context = await createTestContext();
  const requests: TransactionRequest[] = [];
  const logged: unknown[] = [];
  const vendor = {
    createTransaction: async (request: TransactionRequest) => {
      requests.push(request);
      return says(request, requests.length);
    },
  };
  const warned: unknown[] = [];
  const log = {
    warn: (fields: unknown) => void warned.push(fields),
    error: (fields: unknown) => void logged.push(fields),
  };
  const { db } = context;
  const queues = { ...context.queues, ...queue };
  const create = ({ wanted = scan, idempotencyKey = null, askedBy = 'shop-a', ...more }: Partial<CreationInput> = {}) =>
    createTransaction({ db, queues, vendor, log }, { wanted, idempotencyKey, askedBy, ...more });
  const owner = new pg.Client({ connectionString: asOwner(context.config.databaseUrl) });
  await owner.connect();
  atEnd(() => owner.end());
  const rows = async (text: string): Promise<Record<string, unknown>[]> =>
    (await owner.query<Record<string, unknown>>(text)).rows;
  return { context, requests, warned, logged, create, owner, rows };
}

/** A call of which nobody knows what came of it. */
export const lost = (): never => {
  throw new LedgerError('vendor_unreachable', 'The vendor could not be reached.');
};
