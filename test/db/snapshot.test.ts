import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import type { Queries } from '../../src/db/database.ts';
import { withBooking, withSnapshot } from '../../src/db/snapshot.ts';
import { openTestDatabase } from '../support/books.ts';
import { register } from '../support/facts.ts';

const counted = async (queries: Queries): Promise<number> => {
  const { rows } = await sql<{ count: number }>`select count(*)::int as count from transactions`.execute(queries);
  return rows[0]?.count ?? 0;
};

describe('two things read of one snapshot', () => {
  test('see the same, whatever is written between them, and are read at the same time', async () => {
    const db = await openTestDatabase();
    await register(db, 'before');
    const met = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()] as const;
    const counts = await withSnapshot(db, async (snapshot) => {
      await counted(snapshot.queries);
      return snapshot.both(
        async ({ queries }) => {
          const seen = await counted(queries);
          await register(db, 'meanwhile');
          met[0].resolve(undefined);
          await met[1].promise;
          return [seen, await counted(queries)];
        },
        async ({ queries }) => {
          await met[0].promise;
          met[1].resolve(undefined);
          return counted(queries);
        },
      );
    });
    expect(counts).toEqual([[1, 1], 1]);
    expect(await counted(db.kysely)).toBe(2);
  });

  test('of one that writes see what it wrote, one after the other', async () => {
    const db = await openTestDatabase();
    const order: string[] = [];
    const counts = await withBooking(db, async (booking) => {
      await sql`insert into transactions (id) values ('booked')`.execute(booking.queries);
      return booking.both(
        async ({ queries }) => {
          const seen = await counted(queries);
          order.push('first');
          return seen;
        },
        async ({ queries }) => {
          order.push('second');
          return counted(queries);
        },
      );
    });
    expect(counts).toEqual([1, 1]);
    expect(order).toEqual(['first', 'second']);
  });

  test.each(['first', 'second'])('both have ended when the %s one fails', async (failing) => {
    const db = await openTestDatabase();
    let ended = 0;
    const failed = Promise.withResolvers<undefined>();
    const work = (name: string) => async () => {
      if (name === failing) {
        setImmediate(() => failed.resolve(undefined));
        throw new Error(`the ${name} one failed`);
      }
      await failed.promise;
      await new Promise((resolve) => setTimeout(resolve, 20));
      ended += 1;
    };
    const read = withSnapshot(db, ({ both }) => both(work('first'), work('second')));
    await expect(read).rejects.toThrow(`the ${failing} one failed`);
    expect(ended).toBe(1);
  });
});
