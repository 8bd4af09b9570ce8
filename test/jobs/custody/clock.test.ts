import { expect, test, vi } from 'vitest';
import { requestErasures } from '../../../src/db/erasures.ts';
import { carryOutErasures } from '../../../src/jobs/custody/destroy.ts';
import { keepRetention, newRounds } from '../../../src/jobs/custody/retention.ts';
import { createTestContext } from '../../support/books.ts';
import { png, storeDocuments } from '../../support/documents.ts';
import { namesInStore } from '../../support/documents-by-hand.ts';

vi.setConfig({ testTimeout: 180_000 });

const dayMs = 86_400_000;

test('a machine whose clock has jumped ahead destroys nothing that is not yet due', async () => {
  const context = await createTestContext();
  await storeDocuments(context, 't-1', [png]);
  await storeDocuments(context, 't-2', [png]);
  const { kysely } = context.db;
  await kysely.updateTable('transactions').set({ completed_at: new Date() }).execute();
  const destroyAt = new Date(Date.now() + 7 * dayMs);
  await requestErasures(context.db, ['t-1'], { requestedBy: 'anna', reason: 'wish', destroyAt });
  const before = await namesInStore(context.config.dataDir);
  const custody = { ...context.config.custody, retentionDays: { document: 30, audit_report: undefined } };
  const ahead = {
    ...context,
    now: () => new Date(Date.now() + 400 * dayMs),
    config: { ...context.config, custody },
  };
  const { store } = context.documents!;
  expect(await carryOutErasures(ahead, store, [])).toMatchObject({ erased: 0 });
  expect(await keepRetention(ahead, store, newRounds(), [])).toBe(0);
  expect(await kysely.selectFrom('document_keys').select('transaction_id').orderBy('transaction_id').execute()).toEqual(
    [{ transaction_id: 't-1' }, { transaction_id: 't-2' }],
  );
  expect(await namesInStore(context.config.dataDir)).toEqual(expect.arrayContaining(before));
});
