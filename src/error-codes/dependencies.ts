import type { ErrorEntry } from './entry.ts';

/** What the program depends on: servers, stores, people to notify. */
export const dependencyErrors = {
  // what the program depends on
  database_unavailable: {
    job: 'retry',
    exit: 1,
    http: [503, 'Postgres cannot do this now'],
    hint: 'the message says which; `DATABASE_URL`, the server, `pg_stat_activity`',
  },
  database_outdated: { job: 'never', exit: 3, hint: 'back up, `migrate up`' },
  database_newer: { job: 'never', exit: 3, hint: 'run the newer version, or restore the backup from before it' },
  database_forbidden: {
    job: 'retry',
    exit: 3,
    http: [503, 'Postgres does not let this service do it'],
    hint: '`ops/postgres-roles.sql`, after every migration; migrations run as the owner',
  },
  database_misconfigured: {
    job: 'retry',
    exit: 3,
    http: [503, 'Postgres cannot be used as it is'],
    hint: 'the message says which, and what to set',
  },
  replica_behind: {
    job: 'retry',
    exit: 1,
    http: [503, 'The read replica is too far behind'],
    hint: 'look at replication (`pg_stat_replication`), set `hot_standby_feedback`, or unset `DATABASE_READ_URL`',
  },
  clock_skewed: { job: 'never', exit: 3, hint: 'NTP on both' },
  queue_unavailable: { job: 'later', exit: 1, http: [503, 'Redis does not answer'], hint: '`REDIS_URL`, the server' },
  queue_misconfigured: { job: 'never', exit: 3, hint: 'the message says which, and what to set' },
  storage_full: { job: 'retry', exit: 1, http: [507, 'No room is left'], isOfStore: true, hint: 'make room' },
  storage_away: {
    job: 'later',
    exit: 1,
    http: [503, 'The store does not answer'],
    isOfStore: true,
    hint: 'nothing; if it goes on, look at the store, its limits and the network',
  },
  storage_failed: {
    job: 'retry',
    exit: 1,
    http: [500, 'The store cannot be used'],
    isOfStore: true,
    hint: 'as the message says',
  },
  storage_conflict: {
    job: 'retry',
    exit: 1,
    http: [409, 'It is there already'],
    hint: 'nothing; another worker stored it at the same time',
  },
  store_mismatch: {
    job: 'later',
    exit: 3,
    http: [503, 'The document store is not there'],
    isOfStore: true,
    hint: 'mount the shared folder, or correct `DOCUMENTS_URL`',
  },
  reports_mismatch: {
    job: 'later',
    exit: 3,
    http: [409, 'The reports are of other books'],
    hint: 'correct `REPORTS_URL` or `DATABASE_URL`',
  },
  document_damaged: {
    job: 'never',
    exit: 1,
    http: [409, 'The document is not as it was stored'],
    hint: '`documents verify --repair`',
  },
  document_closed: {
    job: 'never',
    exit: 3,
    http: [410, 'The documents are closed'],
    hint: 'cancel the erasure while nothing is destroyed yet, or nothing',
  },
  master_mismatch: { job: 'later', exit: 3, hint: 'the message names the keys in use: `DOCUMENTS_PUBLIC_KEYS`' },
  master_missing: {
    job: 'never',
    exit: 3,
    http: [503, 'Documents cannot be read here'],
    hint: '`DOCUMENTS_SECRET_KEY_FILE`, on the machines where somebody may read',
  },
  service_unavailable: {
    job: 'retry',
    exit: 1,
    http: [503, 'Not ready'],
    hint: 'which of Postgres, migrations and Redis failed?',
  },
  embedded_server_failed: { job: 'retry', exit: 1, hint: 'the message says what to install' },
  worker_died: { job: 'never', exit: 1, hint: 'memory? Look into the log before it, then reprocess' },
} as const satisfies Readonly<Record<string, ErrorEntry>>;
