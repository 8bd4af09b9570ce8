import { openDatabase } from '../../src/db/database.ts';
import { LedgerError } from '../../src/errors.ts';
import { documentStore, openStore } from '../../src/store/open.ts';

/** Opens the document store as user `uid` and prints the store's id, or the fault's code and message. */
const [uid, databaseUrl = '', dataDir = ''] = process.argv.slice(2);
process.setgroups?.([]);
process.setgid?.(Number(uid));
process.setuid?.(Number(uid));
const db = openDatabase(databaseUrl);
try {
  process.stdout.write((await openStore(db.kysely, documentStore({ dataDir }))).id);
} catch (error) {
  if (!(error instanceof LedgerError)) throw error;
  process.stdout.write(`${error.code}: ${error.message}`);
  process.exitCode = 1;
} finally {
  await db.close();
}
