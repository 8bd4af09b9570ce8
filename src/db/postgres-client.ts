/** A connection of somebody else's: a `Client` or a pool's client of the package `pg`, or what runs queries like one. */
export type PostgresClient = {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
};
