import { spawn } from 'node:child_process';
import path from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { startObligations } from '../../../src/db/obligations.ts';
import { erase } from '../../../src/jobs/custody/erase.ts';
import { fetchDocuments } from '../../../src/jobs/fetch/fetch-documents.ts';
import { fetchResult } from '../../../src/jobs/fetch/fetch-result.ts';
import { takeIn } from '../../../src/jobs/intake/intake.ts';
import { documentName } from '../../../src/store/layout.ts';
import { folderStore } from '../../../src/store/folder-store.ts';
import { createTestContext } from '../../support/books.ts';
import { ownEnvironment } from '../../support/cli.ts';
import { namesInStore } from '../../support/documents-by-hand.ts';
import { withSimulator } from '../../support/simulator.ts';
import { objectsIn, storedMonth } from './books.ts';

vi.setConfig({ testTimeout: 240_000 });

const script = path.join(import.meta.dirname, '../../support/erase-and-die.ts');

/** Runs an erasure in a process that is killed with -9 at a step. */
async function dieAt(environment: Readonly<Record<string, string>>, transactionId: string, step: string) {
  const child = spawn(process.execPath, [script, transactionId, ...step.split(' ')], {
    cwd: environment['folder'],
    env: ownEnvironment(environment),
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const signal = await new Promise((resolve) => child.once('exit', (_, by) => resolve(by)));
  expect(signal, step).toBe('SIGKILL');
}

type Row = Record<string, unknown>;
/** How far an erasure had come: what a killed process left. */
type Left = { readonly row: Row; readonly keys: boolean; readonly objects: 'all' | 'some' | 'none' };

const open = { ordered: false, keys_destroyed: false, destroyed: false };
const steps: readonly (readonly [string, string, Left])[] = [
  ['the row is committed', 'put 0', { row: open, keys: true, objects: 'all' }],
  ['the order is written', 'put 1', { row: open, keys: true, objects: 'all' }],
  [
    'the keys are destroyed',
    'list 0',
    { row: { ordered: true, keys_destroyed: true, destroyed: false }, keys: false, objects: 'all' },
  ],
  [
    'an object is removed',
    'remove 1',
    { row: { ordered: true, keys_destroyed: true, destroyed: false }, keys: false, objects: 'some' },
  ],
  [
    'all objects are removed',
    'list 1',
    { row: { ordered: true, keys_destroyed: true, destroyed: false }, keys: false, objects: 'none' },
  ],
  [
    'the rows are erased',
    'end',
    { row: { ordered: true, keys_destroyed: true, destroyed: true }, keys: false, objects: 'none' },
  ],
];

describe('an erasure that is killed goes on to the same end', () => {
  test('after every step', async () => {
    const { run, rows, folder, environment } = await storedMonth();
    const ids = await rows<{ id: string }>(
      `select transaction_id as id from files where state = 'stored' group by 1 having count(*) > 1 order by 1`,
    );
    expect(ids.length).toBeGreaterThanOrEqual(steps.length);
    const objectsOf = async (id: string) => (await objectsIn(folder)).filter((name) => name.startsWith(`${id}.`));
    const before = await objectsIn(folder);
    for (const [at, [name, step, { row, keys, objects }]] of steps.entries()) {
      const id = ids[at]?.id ?? '';
      const all = await objectsOf(id);
      await dieAt(environment, id, step);
      expect(
        await rows(
          `select ordered_at is not null as ordered, keys_destroyed_at is not null as keys_destroyed,
            destroyed_at is not null as destroyed from erasures where transaction_id = $1`,
          [id],
        ),
        name,
      ).toEqual([row]);
      expect((await rows('select from document_keys where transaction_id = $1', [id])).length > 0, name).toBe(keys);
      const left = (await objectsOf(id)).length;
      expect(left === 0 ? 'none' : left === all.length ? 'all' : 'some', name).toBe(objects);
    }
    const erased = ids.slice(0, steps.length).map(({ id }) => id);
    const isErased = (name: string) => erased.some((id) => name.startsWith(`${id}.`));
    expect((await run(['worker', '--until-idle'])).code).toBe(0);
    expect(await objectsIn(folder)).toEqual(before.filter((name) => !isErased(name)));
    for (const id of erased) {
      const receipt = await run(['erase', '--receipt', id, '--json']);
      expect(receipt, receipt.stdout).toMatchObject({ code: 0 });
    }
    // A fetch that nobody knows of stored one more, and its worker died. The second look is an hour later.
    const [late = ''] = erased;
    const object = documentName({ transactionId: late, kind: 'document', origin: 'result', position: 0 }, '1-0123abcd');
    await folderStore(folder).put(object, (sink) => sink(Buffer.from('encrypted')));
    await run(['worker', '--until-idle']);
    expect(await objectsOf(late)).toHaveLength(1);
    expect((await run(['erase', '--receipt', late])).code).toBe(1);
    await rows(`update later_looks set look_at = look_at - interval '61 minutes'`);
    await run(['worker', '--until-idle']);
    expect(await objectsIn(folder)).toEqual(before.filter((name) => !isErased(name)));
    expect(await rows('select from erasures where looked_again_at is null')).toEqual([]);
  });
});

describe('an erasure beside a fetch', () => {
  /** A transaction whose documents a worker is about to fetch. */
  async function aboutToFetch() {
    const world = { transactions: 1, abandonedShare: 0, filesPerResult: 2, nullUrlShare: 0 };
    const { simulator } = await withSimulator(world);
    const context = await createTestContext(simulator);
    const [{ transactionId, resultId } = { transactionId: '', resultId: null }] = simulator.transactions;
    await takeIn(context, [{ line: 1, transactionId, resultId: resultId ?? '' }], 'api');
    const start = async (kind: 'result' | 'documents') => {
      const request = { transactionId, kinds: [kind], generation: 1, maxUnfinished: null };
      const [started] = await startObligations(context.db.kysely, [request], 60_000);
      const one = started?.get(kind);
      if (!one) throw new Error(`${kind} is not due`);
      return one;
    };
    await fetchResult(context, transactionId, await start('result'));
    return { context, transactionId, started: await start('documents') };
  }

  test('leaves nothing of what the fetch has stored by then, and stores after it', async () => {
    const { context, transactionId, started } = await aboutToFetch();
    const documents = context.documents!;
    const wish = { requestedBy: 'anna', reason: 'wish', isNow: true };
    let stored = 0;
    const store = {
      ...documents.store,
      put: async (...args: Parameters<typeof documents.store.put>) => {
        const object = await documents.store.put(...args);
        stored += 1;
        if (stored === 1) await erase(context, () => Promise.resolve(documents.store), [transactionId], wish);
        return object;
      },
    };
    await expect(
      fetchDocuments({ ...context, documents: { ...documents, store } }, transactionId, started),
    ).rejects.toMatchObject({ code: 'interrupted' });
    expect(stored).toBe(2);
    const { kysely } = context.db;
    expect(await kysely.selectFrom('document_keys').select('id').execute()).toEqual([]);
    expect(await kysely.selectFrom('files').select('state').execute()).toEqual([]);
    const names = await namesInStore(context.config.dataDir);
    expect(names.filter((name) => !name.startsWith('erasures/'))).toEqual([]);
  });
});
