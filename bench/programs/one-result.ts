import { createHash } from 'node:crypto';
import path from 'node:path';
import { openDatabase } from '../../src/db/database.ts';
import { recordFiles } from '../../src/db/files.ts';
import { recordOutcomes } from '../../src/db/outcomes.ts';
import { attemptsOf } from '../../src/domain/attempts.ts';
import { classify } from '../../src/domain/classify.ts';
import { inForceAt } from '../../src/domain/effective-dates.ts';
import { settlementOf } from '../../src/domain/settlement.ts';
import { storeDownload } from '../../src/jobs/file-store.ts';
import { readRuleTables } from '../../src/reference-data/rule-tables.ts';
import { createVendorClient } from '../../src/vendor/client.ts';
import { resultIdOf, transactionIdOf } from '../ids.ts';
import { vendorKey } from '../vendor/options.ts';

/** What a peer is told to do. Peers get theirs as one argument, in JSON. */
export type PeerInput = {
  readonly databaseUrl: string;
  readonly baseUrl: string;
  readonly dataDir: string;
  /** Transactions to work on, from number 0. Their rows are there. */
  readonly count: number;
  readonly concurrency: number;
  readonly withFiles: boolean;
};

export const peerInput = (): PeerInput => JSON.parse(process.argv[2] ?? '{}') as PeerInput;

/** As many as a worker's pool has. */
const maxConnections = 20;

/**
 * What is done for one result, by every peer alike: the same calls by the same client and the same write as the
 * product's, and nothing of what makes it safe to be killed.
 */
export function openWork({ databaseUrl, baseUrl, dataDir, withFiles }: PeerInput) {
  const db = openDatabase(databaseUrl, { maxConnections });
  const rules = readRuleTables(path.join(import.meta.dirname, '../../rules/id-scan.json')).content;
  const vendor = createVendorClient({
    ...vendorKey,
    baseUrl: new URL(baseUrl),
    tokenTtlSeconds: 60,
    auditReportPath: 'transactions/{transactionId}/results/{resultId}/audit-report',
  });

  const store = async (transactionId: string, resultId: string, urls: readonly string[]): Promise<void> => {
    const place = { transaction_id: transactionId, origin: 'result', state: 'stored' } as const;
    for (const [position, url] of urls.entries()) {
      const { sha256, bytes, mediaType } = await storeDownload(dataDir, 'document', (sink) =>
        vendor.downloadFile(url, sink),
      );
      const urlHash = createHash('sha256').update(url).digest('hex');
      await recordFiles(db.kysely, [
        {
          ...{ ...place, kind: 'document', position, url_sha256: urlHash, sha256 },
          ...{ bytes: String(bytes), media_type: mediaType },
        },
      ]);
    }
    const { sha256, bytes, mediaType } = await storeDownload(dataDir, 'pdf', (sink) =>
      vendor.downloadAuditReport(transactionId, resultId, sink),
    );
    await recordFiles(db.kysely, [
      {
        ...{ ...place, kind: 'audit_report', position: 0, sha256 },
        ...{ bytes: String(bytes), media_type: mediaType },
      },
    ]);
  };

  return {
    one: async (index: number): Promise<void> => {
      const [transactionId, resultId] = [transactionIdOf(index), resultIdOf(index)];
      const fetchedAt = new Date();
      const [facts, result] = await Promise.all([
        vendor.getTransaction(transactionId),
        vendor.getResult(transactionId, resultId),
      ]);
      const attempts = attemptsOf(facts).map((attempt) => ({
        ...attempt,
        ...classify(attempt, inForceAt(rules, attempt.attemptedAt, 'UTC')),
      }));
      const settlement = settlementOf(facts, fetchedAt);
      await recordOutcomes(
        db.kysely,
        [
          {
            ...{ facts, attempts, settlement, fetchedAt, fence: '1', resultFetched: true },
            ...{ documentsBasis: null, auditReportBasis: null, end: null, seenFence: null },
          },
        ],
        0,
      );
      const urls = result.tasks.flatMap((task) => task.files).flatMap(({ url }) => (url === null ? [] : [url]));
      if (withFiles) await store(transactionId, resultId, urls);
    },
    close: async (): Promise<void> => {
      await vendor.close();
      await db.close();
    },
  };
}
