import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { sql } from 'kysely';
import { describe, expect, test, vi } from 'vitest';
import type { Started } from '../../../src/db/obligations.ts';
import { keepRetention, newRounds } from '../../../src/jobs/custody/retention.ts';
import { takeOverClear } from '../../../src/jobs/custody/take-over.ts';
import { examineHeldFiles } from '../../../src/jobs/fetch/held-files.ts';
import { documentName } from '../../../src/store/layout.ts';
import { createTestContext } from '../../support/books.ts';
import { png, storeInClear } from '../../support/documents.ts';
import { faultsInStore, namesInStore } from '../../support/documents-by-hand.ts';
import { objectsIn, storedMonth } from './books.ts';

vi.setConfig({ testTimeout: 180_000 });

const isClear = (name: string): boolean => /^[0-9a-f]{64}$/.test(name);

test('what an earlier version stored in the clear is encrypted, and its clear bytes go once nobody needs them', async () => {
  const { run, rows, folder } = await storedMonth();
  const files = await rows<{ transaction_id: string; kind: string; origin: string; position: number }>(
    `select transaction_id, kind, origin, position from files where state = 'stored' order by 1, 2, 3, 4 limit 6`,
  );
  const contents = files.map((_, index) =>
    Buffer.concat([Buffer.from(`canary-${index < 2 ? 0 : index} `), randomBytes(index < 2 ? 0 : 90_000)]),
  );
  for (const [index, { transaction_id, kind, origin, position }] of files.entries()) {
    const bytes = contents[index] ?? Buffer.alloc(0);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await mkdir(path.join(folder, sha256.slice(0, 2)), { recursive: true });
    await writeFile(path.join(folder, sha256.slice(0, 2), sha256), index === 5 ? 'damaged since' : bytes);
    await rows(
      `update files set object_name = null, key_id = null, sha256 = $5, bytes = $6
      where transaction_id = $1 and kind = $2 and origin = $3 and position = $4`,
      [transaction_id, kind, origin, position, sha256, String(bytes.length)],
    );
  }
  expect(JSON.parse((await run(['status', '--json'])).stdout)).toMatchObject({ custody: { clear: 6 } });
  expect((await run(['worker', '--until-idle'])).code).toBe(0);
  // The damaged one cannot be taken over.
  expect((await objectsIn(folder)).filter(isClear)).toHaveLength(1);
  const states = await rows<{ state: string; clear: string | null; is_clear: boolean }>(
    `select state, clear_sha256 as clear, object_name is null as is_clear from files where sha256 is not null and (object_name is null or clear_sha256 is not null)`,
  );
  expect(states).toEqual([{ state: 'damaged', clear: null, is_clear: true }]);
  for (const name of await readdir(folder, { recursive: true, withFileTypes: true }))
    if (name.isFile()) expect((await readFile(path.join(name.parentPath, name.name))).includes('canary-')).toBe(false);
  const verified = await run(['documents', 'verify', '--json']);
  expect(JSON.parse(verified.stdout)).toMatchObject({ proven: expect.any(Number) as number, orphans: 0 });
});

describe('taking over', () => {
  /** Books with a file in the clear, and what happens between its encryption and its record. */
  async function inClear(between: (context: Awaited<ReturnType<typeof createTestContext>>) => Promise<void>) {
    const context = await createTestContext();
    await storeInClear(context, 't-1', png);
    const documents = context.documents!;
    const store = {
      ...documents.store,
      put: async (...args: Parameters<typeof documents.store.put>) => {
        const object = await documents.store.put(...args);
        await between(context);
        return object;
      },
    };
    const ask = async <Row>(text: string) => (await sql.raw<Row>(text).execute(context.db.kysely)).rows;
    const faults = () => faultsInStore(ask, context.config.dataDir);
    return { context, documents: { ...documents, store }, faults };
  }

  test('keeps its object where a fetch looks for leftovers before it is recorded', async () => {
    const { context, documents, faults } = await inClear(async (meanwhile) => {
      const second = { fence: '2', resultId: null, basis: null } as unknown as Started;
      await examineHeldFiles(meanwhile, 't-1', 'document', second);
    });
    expect(await takeOverClear(context, documents, [])).toBe(1);
    expect(await faults()).toEqual([]);
    expect((await namesInStore(context.config.dataDir)).filter((name) => isClear(path.basename(name)))).toEqual([]);
  });

  test('removes what it left behind when it was broken off', async () => {
    const { context, documents, faults } = await inClear(() => Promise.resolve());
    const place = { transactionId: 't-1', kind: 'document' as const, origin: 'result', position: 0 };
    await documents.store.put(documentName(place, '0-0123abcd'), (sink) => sink(Buffer.from('encrypted')));
    expect(await takeOverClear(context, documents, [])).toBe(1);
    expect(await faults()).toEqual([]);
  });

  test('leaves no key of a file that retention destroyed in the meantime', async () => {
    const { context, documents, faults } = await inClear(async (meanwhile) => {
      const { db, config } = meanwhile;
      await db.kysely
        .updateTable('transactions')
        .set({ completed_at: new Date('2020-01-01') })
        .execute();
      // By a process that Postgres takes for the only one, as it has lost this one.
      const custody = { ...config.custody, retentionDays: { document: 30, audit_report: undefined } };
      const { store } = meanwhile.documents!;
      expect(await keepRetention({ ...meanwhile, config: { ...config, custody } }, store, newRounds(), [])).toBe(1);
    });
    expect(await takeOverClear(context, documents, [])).toBe(0);
    expect(await context.db.kysely.selectFrom('document_keys').select('id').execute()).toEqual([]);
    expect(await faults()).toEqual([]);
  });

  test('records nothing that reads otherwise than it was examined', async () => {
    const { context, documents } = await inClear(() => Promise.resolve());
    const store = { ...documents.store, get: () => Promise.resolve(Readable.from([Buffer.from('another reading')])) };
    const failures: Error[] = [];
    expect(await takeOverClear(context, { ...documents, store }, failures)).toBe(0);
    expect(failures).toMatchObject([{ code: 'storage_failed' }]);
    const files = await context.db.kysely.selectFrom('files').select(['state', 'object_name']).execute();
    expect(files).toEqual([{ state: 'stored', object_name: null }]);
    expect(await namesInStore(context.config.dataDir)).toHaveLength(1);
  });
});
