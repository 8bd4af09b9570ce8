import type { PostgresClient } from '../db/postgres-client.ts';
import type { TransactionRequest } from '../domain/transaction-request.ts';
import type { IdScanClientOptions } from '../id-scan/index.ts';

export type { PostgresClient } from '../db/postgres-client.ts';

export type ProducerOptions = {
  /** The books' Postgres, in any form that `DATABASE_URL` may have. */
  readonly databaseUrl: string;
  /** The workers' Redis, in any form that `REDIS_URL` may have. It may be away. */
  readonly redisUrl: string;
  /** The workers' `QUEUE_PREFIX`. Default: `{idscan-ledger}`. */
  readonly queuePrefix?: string | undefined;
  /** How many connections to Postgres are held at most. Default: 5. Three more are opened while it is checked. */
  readonly maxConnections?: number | undefined;
  /** How the vendor is called, for `createTransaction`. Without it nothing can be created. */
  readonly idScan?: IdScanClientOptions | undefined;
  /**
   * Which program this is, where several on one database use the same idempotency keys: 1 to 64 of `A-Z a-z 0-9 . _ : -`.
   * Programs with one name, or without, share their keys. The service and the commands have keys of their own.
   */
  readonly caller?: string | undefined;
};

/** A transaction to keep the books of. */
export type TransactionIds = {
  readonly transactionId: string;
  /** Absent or `null` = not known yet, or never: abandoned transactions have none. It may be given later. */
  readonly resultId?: string | null | undefined;
};

export type EnqueueOptions = {
  /**
   * A connection of the caller's, on which a transaction is open. The rows are written through it, and are there if and
   * when the caller commits. No worker is woken: from the commit on workers find them within some seconds.
   */
  readonly client?: PostgresClient | undefined;
};

/** `accepted + alreadyKnown + rejected.length` is the number of the IDs that were given. */
export type EnqueueResult = {
  /** New, or with a result ID that was not known. */
  readonly accepted: number;
  /** Given before. Nothing was changed. */
  readonly alreadyKnown: number;
  /** Not taken, each with its place among those given, from 0, and why. */
  readonly rejected: readonly RejectedIds[];
  /** Whether workers were woken. If not, they find by themselves what is committed. */
  readonly isQueued: boolean;
};

export type RejectedIds = { readonly index: number; readonly reason: string };

/** What the vendor documents, and whom the cost is charged on to. */
export type CreationRequest = TransactionRequest & {
  /** A cost centre, product or customer group: 1 to 64 of `A-Z a-z 0-9 . _ : -`, and no personal data. */
  readonly reference?: string | null | undefined;
};

export type CreationOptions = {
  /** The same key gets the same transaction, however often it is asked for. 1 to 255 visible ASCII characters. */
  readonly idempotencyKey?: string | undefined;
};

export type CreatedTransaction = {
  readonly transactionId: string;
  /** For the person who is verified alone: whoever has it can perform the tasks. */
  readonly url: string;
  /** When it expires; `null` = the vendor did not say. */
  readonly expires: Date | null;
  /** Settings that the vendor does not document. They were passed on. */
  readonly unknownSettings: readonly string[];
  /** `false` = an earlier call with the same key created it. */
  readonly isNew: boolean;
};

export type Producer = {
  /**
   * Registers transactions, so that workers fetch what they cost. What was registered before stays as it is, so a call
   * whose outcome is not known may be repeated. IDs that cannot be taken never stop the others.
   *
   * Without `client` every 250 IDs are committed together, and only then are workers woken. A Redis that is away is no
   * error.
   *
   * @param ids any number: they are read as they are written.
   * @throws LedgerError `database_…`: what was committed before stays. `input_invalid`: the IDs are no list, or no
   * transaction is open on `client`. `interrupted` after `close`. What the list itself throws is passed on.
   * @example
   * await producer.enqueue([{ transactionId: '11111111-2222-4333-8444-555555555555' }]);
   * @example
   * await client.query('begin');
   * await client.query('insert into orders (id, scan) values ($1, $2)', [order, transactionId]);
   * await producer.enqueue([{ transactionId }], { client });
   * await client.query('commit');
   */
  enqueue(
    ids: Iterable<TransactionIds> | AsyncIterable<TransactionIds>,
    options?: EnqueueOptions,
  ): Promise<EnqueueResult>;
  /**
   * Has the vendor create a transaction, and keeps its books from its birth: the intention is committed, the vendor is
   * asked once, and its answer is committed with the intake. A call whose answer never came is not repeated, because
   * the vendor names no idempotency key: `status` lists it as possibly created, until somebody has looked after it.
   *
   * @throws LedgerError `request_invalid` names every mistake, before anything is asked; `creation_unanswered`: the
   * answer of this call, or of the first one with the same key, never came, or could not be recorded (then
   * `transactionId` is in its fields); `creation_under_way`: the first call with the same key is running, repeat it;
   * `creation_without_address`, `creation_expired`, `idempotency_key_reused`; `vendor_…`: the vendor refused, and
   * nothing was created; `not_configured` without `idScan`; `config_invalid` where the vendor cannot be called with it;
   * `database_…`: nothing was asked; `interrupted` after `close`.
   * @example
   * const { transactionId, url } = await producer.createTransaction(
   *   { tasks: ['document_scan', 'face_liveness'], reference: 'cost-centre-7' },
   *   { idempotencyKey: 'order-1' },
   * );
   */
  createTransaction(request: CreationRequest, options?: CreationOptions): Promise<CreatedTransaction>;
  /**
   * Waits some seconds for creations that are running, and closes all connections. May be called again. Without it the
   * process does not end.
   */
  close(): Promise<void>;
};
