/** Braces keep all keys of all queues in one slot of a Redis Cluster. */
export const defaultQueuePrefix = '{idscan-ledger}';

export const queuePrefixForm = /^\{[A-Za-z0-9._-]{1,60}\}$/;
