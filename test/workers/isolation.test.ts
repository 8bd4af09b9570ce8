import { expect, test } from 'vitest';
import { createIsolation } from '../../src/workers/isolation.ts';
import { waitFor } from '../support/books.ts';

/** Work that is under way until it is told to end. */
function job(log: string[], name: string) {
  const { promise, resolve, reject } = Promise.withResolvers();
  const work = async () => {
    log.push(`${name} begins`);
    await promise;
    log.push(`${name} ends`);
    return name;
  };
  return { work, end: () => resolve(undefined), fail: reject };
}

test('jobs run beside one another; one alone waits for them, and the others wait for it', async () => {
  const isolation = createIsolation(60_000);
  const log: string[] = [];
  const [a, b, c, d] = [job(log, 'a'), job(log, 'b'), job(log, 'c'), job(log, 'd')];
  const [one, two] = [isolation.shared(a.work), isolation.shared(b.work)];
  const three = isolation.exclusive(c.work);
  await Promise.resolve();
  const four = isolation.shared(d.work);
  a.end();
  expect(await one).toBe('a');
  expect(log).toEqual(['a begins', 'b begins', 'a ends']);
  b.end();
  await two;
  await waitFor('c', () => log.includes('c begins'));
  expect(log).not.toContain('d begins');
  c.end();
  expect(await three).toBe('c');
  await waitFor('d', () => log.includes('d begins'));
  d.end();
  expect(await four).toBe('d');
});

test('those alone run one after the other, and a failure of one ends with it', async () => {
  const isolation = createIsolation(60_000);
  const log: string[] = [];
  const [a, b] = [job(log, 'a'), job(log, 'b')];
  const [one, two] = [isolation.exclusive(a.work), isolation.exclusive(b.work)];
  const failed = expect(one).rejects.toThrow('no');
  await waitFor('a', () => log.includes('a begins'));
  expect(log).toEqual(['a begins']);
  a.fail(new Error('no'));
  await failed;
  await waitFor('b', () => log.includes('b begins'));
  b.end();
  expect(await two).toBe('b');
  expect(await isolation.shared(() => Promise.resolve('after'))).toBe('after');
});

test('neither a slow job before it nor its own slowness keeps the others for long', async () => {
  const isolation = createIsolation(20);
  const log: string[] = [];
  const [slow, suspect, other, next] = [job(log, 'slow'), job(log, 'suspect'), job(log, 'other'), job(log, 'next')];
  const all = [isolation.shared(slow.work), isolation.exclusive(suspect.work)];
  await waitFor('the suspect', () => log.includes('suspect begins'));
  all.push(isolation.shared(other.work), isolation.exclusive(next.work));
  await waitFor('the others', () => log.includes('other begins') && log.includes('next begins'));
  for (const one of [slow, suspect, other, next]) one.end();
  expect(await Promise.all(all)).toEqual(['slow', 'suspect', 'other', 'next']);
});
