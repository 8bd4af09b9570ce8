import { composeBooks } from '../../src/compose/books.ts';
import { loadConfig } from '../../src/config/config.ts';
import { erase } from '../../src/jobs/custody/erase.ts';
import type { ObjectStore } from '../../src/store/object-store.ts';
import { documentStore, identifyStore } from '../../src/store/open.ts';

/**
 * Erases a transaction's documents as `erase --now` does, in a process that is killed at a step: `node erase-and-die.ts
 * <transaction> <step>`. Steps are calls of the store, counted: `put 0` = before the first, `remove 1` = after the
 * first.
 */
const [transactionId = '', call = '', after = '0'] = process.argv.slice(2);
const die = (): void => {
  process.kill(process.pid, 'SIGKILL');
};
const counted = new Map<string, number>();
/** Dies before the call that is too many. */
const step = (name: string): void => {
  const made = counted.get(name) ?? 0;
  if (name === call && made === Number(after)) die();
  counted.set(name, made + 1);
};

const { context } = await composeBooks(loadConfig(process.env, { vendorKey: false }).config);
const { id, ...store } = await identifyStore(context.db.kysely, documentStore(context.config));
const deadly: ObjectStore = {
  ...store,
  put: async (name, fill) => {
    step('put');
    const stored = await store.put(name, fill);
    step('put');
    return stored;
  },
  removeUnder: async (prefix) => {
    step('list');
    for await (const { name } of store.list(prefix)) {
      step('remove');
      await store.remove(name);
    }
    step('list');
  },
};
await erase(context, () => Promise.resolve(deadly), [transactionId], { requestedBy: 'test', reason: id, isNow: true });
die();
