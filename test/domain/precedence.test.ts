import { describe, expect, test } from 'vitest';
import { type Fact, stays } from '../../src/domain/precedence.ts';

/** Names of what every object has. */
const hostile = ['constructor', 'toString', '__proto__'];

/** Per fact the values from the least to what is final; in one line those that are equally far. */
const orders: Record<Fact, readonly (readonly (string | null)[])[]> = {
  transactionState: [['pending'], ['expired', 'archived', 'Completed', ...hostile], ['completed']],
  taskState: [['pending'], ['in_review', 'expired', null, ...hostile], ['completed', 'failed']],
  code: [['processing'], [null, 'unknown_type_front', 'never_seen', ...hostile]],
};

const cells = Object.entries(orders).flatMap(([fact, order]) =>
  order.flatMap((known, place) =>
    known.flatMap((before) =>
      order.flatMap((said, other) => said.map((now) => [fact as Fact, before, now, place - other] as const)),
    ),
  ),
);

describe('what is known of a fact', () => {
  test.each(cells)('%s: %s stays when %s is said, if it has come further (%i)', (fact, before, now, distance) => {
    expect(stays(fact, before, now, false)).toBe(distance > 0);
    // An answer that was overtaken only adds.
    expect(stays(fact, before, now, true)).toBe(distance >= 0);
  });
});
