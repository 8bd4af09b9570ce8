import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { openProducer, type Producer, type ProducerOptions } from '../../src/producer/index.ts';
import { atEnd, createTestDatabase } from '../support/books.ts';

/** Nothing listens there. */
export const noRedis = 'redis://127.0.0.1:1';

/** A producer on a database and a queue prefix of its own. */
export async function openTestProducer(
  options: Partial<ProducerOptions> = {},
): Promise<{ producer: Producer; databaseUrl: string; queuePrefix: string }> {
  const databaseUrl = options.databaseUrl ?? (await createTestDatabase());
  const queuePrefix = `{test-${randomBytes(6).toString('hex')}}`;
  const producer = await openProducer({ redisUrl: inject('redisUrl'), queuePrefix, ...options, databaseUrl });
  atEnd(() => producer.close());
  return { producer, databaseUrl, queuePrefix };
}

/** A connection of a program that has the books in its own database. */
export async function connect(databaseUrl: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  atEnd(() => client.end());
  return client;
}

/** What the books have of IDs, as others see it. */
export async function known(client: pg.Client): Promise<{ id: string; resultId: string | null; source: string }[]> {
  const { rows } = await client.query<{ id: string; resultId: string | null; source: string }>(
    `select t.id, t.result_id as "resultId", min(i.source) as source
     from public.transactions t join public.intake i on i.transaction_id = t.id
     group by 1, 2 order by t.id collate "C"`,
  );
  return rows;
}
