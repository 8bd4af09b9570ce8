import type { Producer, ProducerOptions } from './producer.ts';

export { type ErrorCode, type ErrorFields, LedgerError } from '../errors.ts';
export type { DocumentScanSettings, TaskSet, TransactionRequest } from '../domain/transaction-request.ts';
export type { IdScanClientOptions } from '../id-scan/index.ts';
export type {
  CreatedTransaction,
  CreationOptions,
  CreationRequest,
  EnqueueOptions,
  EnqueueResult,
  PostgresClient,
  Producer,
  ProducerOptions,
  RejectedIds,
  TransactionIds,
} from './producer.ts';

/**
 * Opens the producers' side of the books. Postgres has to be there, with the schema of this version.
 *
 * @throws LedgerError `config_invalid`; `database_…`, as the commands do
 * @example
 * const producer = await openProducer({ databaseUrl, redisUrl });
 * const { accepted, alreadyKnown, rejected } = await producer.enqueue([{ transactionId, resultId }]);
 * await producer.close();
 */
export async function openProducer(options: ProducerOptions): Promise<Producer> {
  // Drivers and queues are loaded when they are needed: an import costs a program's start next to nothing.
  const { open } = await import('./open.ts');
  return open(options);
}
