import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { Database } from '../db/database.ts';
import type { ObligationKind } from '../db/schema.ts';
import type { RuleTable } from '../domain/classify.ts';
import type { PriceList } from '../domain/prices.ts';
import type { DataFile } from '../reference-data/data-file.ts';
import type { VendorClient } from '../vendor/client.ts';
import type { Queues } from './queues.ts';

/** What every job works with. Built once, in `src/compose.ts`. */
export type Context = {
  readonly config: Config;
  readonly log: Logger;
  readonly now: () => Date;
  readonly db: Database;
  readonly rules: DataFile<readonly RuleTable[]>;
  readonly prices: DataFile<PriceList> | undefined;
};

/** Jobs that wake workers. */
export type QueueContext = Context & { readonly queues: Queues };

/** Jobs that call the vendor. */
export type VendorContext = QueueContext & { readonly vendor: VendorClient };

/** The kinds of work that are wanted: what is switched off is never requested, nor waited for. */
export function wantedKinds({ fetchDocuments, fetchAuditReports }: Config): ObligationKind[] {
  return [
    'result' as const,
    ...(fetchDocuments ? (['documents'] as const) : []),
    ...(fetchAuditReports ? (['audit_report'] as const) : []),
  ];
}
