import { rm } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { invoiceOf } from './support-hostile-books.ts';
import { sha256Of } from './support-hostile-cases.ts';
import {
  allEnded,
  cases,
  first,
  givesUp,
  patienceMs,
  type Run,
  runHostileAnswers,
  second,
} from './support-hostile-run.ts';
import type { Account, Place } from './support-hostile-vendor.ts';
import { isFull } from './world.ts';
import { kindAt, settledMs } from './support-hostile-worker.ts';

const jsonWithinMs = 31_000;
const fileWithinMs = 121_000;
const maxGrowthKb = 64 * 1_024;

let run: Run;
beforeAll(async () => {
  run = await runHostileAnswers();
}, 2 * patienceMs);

const filesOf = ({ transactionId }: Account, kind = 'document') =>
  run.files.filter((one) => one.transaction_id === transactionId && one.kind === kind);
const saidOf = ({ transactionId }: Account) => run.said.filter((one) => one.transactionId === transactionId);

describe('a hostile answer ends in a code or is used as documented', () => {
  test.for(cases.map((one, index) => ({ ...one, index })))('$place: $name ($end)', ({ index }) => {
    const { account, one } = run.hostile[index]!;
    const kind = kindAt[one.place];
    const codes = saidOf(account).flatMap(({ kind: of, code }) => (code === null ? [] : [`${of} ${code}`]));
    const isFailure = one.end !== 'accepted' && one.isRefused !== true;
    expect([...new Set(codes)]).toEqual(isFailure ? [`${kind} ${one.end}`] : []);
    const own = run.obligations.filter((other) => other.transaction_id === account.transactionId);
    const ends = own.filter(({ state, code }) => !(state === 'done' && code === null));
    expect(ends).toMatchObject(givesUp(one) ? [{ kind, state: 'failed', code: one.end }] : []);
    expect(own.length).toBe(kind === 'result' && givesUp(one) ? 1 : 3);
    if (one.isRefused) expect(filesOf(account)).toMatchObject([{ state: 'refused', code: one.end }]);
    else if (own.length === 3) expect(filesOf(account).length).toBe(one.files ?? 1);
  });
});

test('every attempt settles within its deadline and a second', async ({ annotate }) => {
  const { vendor, said, hostile } = run;
  const all = hostile.map(({ account, one }) => ({ one, tookMs: settledMs(account, one.place, vendor.asked, said) }));
  const longest = async (places: readonly Place[]): Promise<number> => {
    const took = all.filter(({ one }) => places.includes(one.place)).toSorted((a, b) => b.tookMs - a.tookMs);
    expect(took.filter(({ tookMs }) => !(tookMs >= 0))).toEqual([]);
    await annotate(`${places.join(', ')}: at most ${took[0]!.tookMs} ms (${took[0]!.one.place}: ${took[0]!.one.name})`);
    return took[0]!.tookMs;
  };
  expect(await longest(['details', 'result'])).toBeLessThan(jsonWithinMs);
  expect(await longest(['file', 'audit'])).toBeLessThan(fileWithinMs);
});

// The short version's warm-up is too short to tell what hostile answers cost from what any answer costs at first.
const memoryTest = isFull ? [maxGrowthKb] : [];
test.for(memoryTest)('memory grows by %i kB at most', async (limitKb, { annotate }) => {
  const { restingKb, idleKb, peakKb } = run;
  await annotate(
    `VmHWM ${idleKb >> 10} MB after ordinary answers (VmRSS ${restingKb >> 10} MB), ${peakKb >> 10} MB after hostile ones: ` +
      `${(peakKb - idleKb) >> 10} MB more`,
  );
  expect(idleKb).toBeGreaterThan(10_000);
  expect(peakKb - idleKb).toBeLessThan(limitKb);
});

test('the others do not notice', () => {
  const ids = new Set(run.others.map(({ transactionId }) => transactionId));
  const own = run.obligations.filter((one) => ids.has(one.transaction_id));
  expect(own.length).toBe(3 * ids.size);
  expect(own.filter(({ state, code }) => state !== 'done' || code !== null)).toEqual([]);
  expect(run.said.filter(({ transactionId, code }) => ids.has(transactionId) && code !== null)).toEqual([]);
  for (const account of run.others) expect(filesOf(account)).toMatchObject([{ state: 'stored', code: null }]);
});

test('of two versions of a file one is kept, whole', () => {
  const [broken, lost, twice] = run.changing;
  expect(filesOf(broken)).toMatchObject([{ state: 'stored', sha256: sha256Of(second) }]);
  expect(filesOf(lost)).toMatchObject([{ state: 'stored', sha256: sha256Of(first) }]);
  expect(filesOf(twice).map(({ sha256 }) => sha256)).toEqual([sha256Of(first), sha256Of(first)]);
});

test('the books are right before and after the vendor has come to its senses', { timeout: patienceMs }, async () => {
  const { books, worker, hostile, others, changing, falling, vendor } = run;
  const known = hostile.filter(({ one }) => !(one.place === 'details' && givesUp(one)));
  const right = invoiceOf([...others, ...changing, falling]);
  const linesOf = (of: typeof hostile): string[] =>
    [...right, ...of.flatMap(({ account, one }) => one.lines?.(account) ?? account.invoice)].sort();
  expect(await books.lines(), 'nothing is guessed').toEqual(linesOf(known));

  for (const { account, one } of hostile) if (one.end !== 'accepted') account.respond = {};
  const [, lost] = changing;
  const [held] = filesOf(lost);
  await rm(path.join(books.environment['IDSCAN_DATA_DIR'] ?? '', 'documents', held?.object_name ?? ''));
  await books.command(['reprocess', '--failed']);
  await books.command(['reprocess', '--transaction', lost.transactionId, '--only', 'documents']);
  await books.command(['reprocess', '--transaction', falling.transactionId, '--only', 'results']);
  await allEnded(books);
  expect((await books.obligations()).filter(({ state }) => state !== 'done')).toEqual([]);
  expect(await books.lines(), 'nothing is lost').toEqual(linesOf(hostile));

  const looks = vendor.asked.filter((one) => one.transactionId === falling.transactionId && one.place === 'details');
  expect(looks.length).toBe(2);
  const { detail } = await books.report();
  const counters = detail.filter((row) => row['transaction_id'] === falling.transactionId && row['vendor_attempts']);
  expect(new Set(counters.map((row) => `${row['vendor_attempts']} ${row['vendor_attempts_invoiced']}`))).toEqual(
    new Set(['4 3']),
  );
  const found = (await books.files()).find(
    (one) => one.transaction_id === lost.transactionId && one.kind === 'document',
  );
  expect(found).toMatchObject({ state: 'stored', sha256: sha256Of(second) });
  expect(await books.faultsInStore()).toEqual([]);

  expect(worker.child.exitCode, 'the worker lives').toBeNull();
  worker.child.kill('SIGTERM');
  expect(await worker.child.result).toMatchObject({ code: 0 });
  expect(
    worker
      .log()
      .split('\n')
      .filter((line) => /"internal"|uncaught|unhandled/i.test(line)),
  ).toEqual([]);
});
