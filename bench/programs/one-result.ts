import { createHash } from 'node:crypto';
import path from 'node:path';
import { custodyConfig } from '../../src/config/custody.ts';
import { openDatabase, type Queries } from '../../src/db/database.ts';
import { recordFiles, type StoredFile } from '../../src/db/files.ts';
import { recordFetched } from '../../src/db/record-fetched.ts';
import type { Attempt } from '../../src/domain/attempts.ts';
import { classify } from '../../src/domain/classify.ts';
import { inForceAt } from '../../src/domain/effective-dates.ts';
import { nothingKnown } from '../../src/domain/known-transaction.ts';
import { mergeAnswer } from '../../src/domain/merge-answer.ts';
import { settlementOf } from '../../src/domain/settlement.ts';
import { storing } from '../../src/jobs/fetch/download.ts';
import { openMasters } from '../../src/store/encryption/masters.ts';
import { documentStore, openStore } from '../../src/store/open.ts';
import { openWrites, type Writes } from '../../src/jobs/queue/writes.ts';
import { readRuleTables } from '../../src/reference-data/rule-tables.ts';
import { createVendorClient } from '../../src/id-scan/client.ts';
import { resultIdOf, transactionIdOf } from '../ids.ts';
import { vendorKey } from '../vendor/options.ts';

/** The input of a peer. Peers get it as one argument, in JSON. */
export type PeerInput = {
  readonly databaseUrl: string;
  readonly baseUrl: string;
  readonly dataDir: string;
  /** The number of transactions, from number 0. Their rows exist. */
  readonly count: number;
  readonly concurrency: number;
  readonly withFiles: boolean;
  /** Whether it writes in the product's batches. Otherwise each job writes alone. */
  readonly isBatched: boolean;
};

export const peerInput = (): PeerInput => JSON.parse(process.argv[2] ?? '{}') as PeerInput;

/** Keys are sealed to the pair below the data folder, as in the product without configuration. */
const custody = custodyConfig({ ERASURE_DELAY_DAYS: 7 });
/** No start of the product's comes before these. */
const fence = '0';

/** As many as in a worker's pool. */
const maxConnections = 20;

/**
 * The work for one result, equal for all peers: the same calls by the same client and the same statements as in the
 * product, but without what makes the product survive a kill.
 */
export function openWork({ databaseUrl, baseUrl, dataDir, withFiles, isBatched }: PeerInput) {
  const db = openDatabase(databaseUrl, { maxConnections });
  const { recordFetched: record, recordFiles: recordStored } = isBatched
    ? openWrites(db.kysely, { wakeForNew: () => Promise.resolve() })
    : writesBySelf(db.kysely);
  const rules = readRuleTables(path.join(import.meta.dirname, '../../rules/id-scan.json')).content;
  const decide = (attempt: Attempt) => classify(attempt, inForceAt(rules, attempt.attemptedAt, 'UTC'));
  const vendor = createVendorClient({
    ...vendorKey,
    baseUrl: new URL(baseUrl),
    tokenTtlSeconds: 60,
    auditReportPath: 'transactions/{transactionId}/results/{resultId}/audit-report',
  });

  const openDocuments = async () => {
    const opened = await openStore(db.kysely, documentStore({ dataDir }));
    return { store: opened, masters: await openMasters(db, { dataDir, custody }, () => undefined) };
  };
  const documents = withFiles ? openDocuments() : undefined;

  const store = async (transactionId: string, resultId: string, urls: readonly string[]): Promise<void> => {
    if (!documents) return;
    const opened = await documents;
    const ofDocuments = storing(opened, { transactionId, kind: 'document', fence });
    const records = [];
    for (const [position, url] of urls.entries()) {
      const place = { origin: 'result', position };
      const content = await ofDocuments.storeDownload(place, 'document', (sink) => vendor.downloadFile(url, sink));
      const urlHash = createHash('sha256').update(url).digest('hex');
      records.push({ ...fileRecord(content), position, url_sha256: urlHash });
    }
    const fetched = { transactionId, fence, isDone: false };
    await recordStored({ ...fetched, kind: 'documents', files: records, key: ofDocuments.key() });
    const ofReport = storing(opened, { transactionId, kind: 'audit_report', fence });
    const place = { origin: 'result', position: 0 };
    const report = await ofReport.storeDownload(place, 'pdf', (sink) =>
      vendor.downloadAuditReport(transactionId, resultId, sink),
    );
    const files = [{ ...fileRecord(report), position: 0 }];
    await recordStored({ ...fetched, kind: 'audit_report', files, key: ofReport.key() });
  };

  return {
    one: async (index: number): Promise<void> => {
      const [transactionId, resultId] = [transactionIdOf(index), resultIdOf(index)];
      const fetchedAt = new Date();
      const [facts, result] = await Promise.all([
        vendor.getTransaction(transactionId),
        vendor.getResult(transactionId, resultId),
      ]);
      const merged = mergeAnswer(nothingKnown, facts, { fence: 1, decide });
      await record({
        transactionId,
        merged,
        fetchedAt,
        fence: '1',
        resultFetched: true,
        known: { fence: '0', revision: '0', transaction: null },
        isSettled: settlementOf(facts, merged, fetchedAt).settled,
        documentsOffer: null,
        auditReportOffer: null,
        end: null,
      });
      const urls = result.tasks.flatMap((task) => task.files).flatMap(({ url }) => (url === null ? [] : [url]));
      if (withFiles) await store(transactionId, resultId, urls);
    },
    close: async (): Promise<void> => {
      await vendor.close();
      await db.close();
    },
  };
}

const fileRecord = (stored: StoredFile) => ({ origin: 'result', state: 'stored', ...stored }) as const;

const writesBySelf = (db: Queries): Pick<Writes, 'recordFetched' | 'recordFiles'> => ({
  recordFetched: async (fetched) => (await recordFetched(db, [fetched], 0))[0],
  recordFiles: async (fetched) => (await recordFiles(db, [fetched]))[0] ?? false,
});
