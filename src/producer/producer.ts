import type { PostgresClient } from '../db/postgres-client.ts';

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
  /** Closes all connections, within some seconds. May be called again. Without it the process does not end. */
  close(): Promise<void>;
};
