import { Redis } from 'ioredis';
import pg from 'pg';
import { createCliEnvironment, runCli } from '../support/cli.ts';
import { faultsInStore, sha256Of, storedDocuments } from '../support/documents-by-hand.ts';
import { keysOf } from '../support/needles.ts';
import { asLines, readReport } from '../support/report-files.ts';
import type { Account, HostileVendor } from './support-hostile-vendor.ts';

export const month = '2026-10';

export type ObligationRow = {
  readonly transaction_id: string;
  readonly kind: 'result' | 'documents' | 'audit_report';
  readonly state: 'due' | 'done' | 'failed';
  readonly code: string | null;
  readonly attempts_made: number;
};
export type FileRow = {
  readonly transaction_id: string;
  readonly kind: 'document' | 'audit_report';
  readonly origin: string;
  readonly position: number;
  readonly state: 'stored' | 'gone' | 'refused';
  readonly code: string | null;
  readonly object_name: string | null;
  /** Of the content as the vendor sent it; `null` = none is stored. */
  readonly sha256: string | null;
};

const placeOf = (row: Pick<FileRow, 'transaction_id' | 'kind' | 'origin' | 'position'>): string =>
  [row.transaction_id, row.kind, row.origin, row.position].join(' ');

export type HostileBooks = Awaited<ReturnType<typeof createBooks>>;

/** Books beside a vendor, kept by commands as an operator would give them. */
export async function createBooks(vendor: HostileVendor, extra: Readonly<Record<string, string>> = {}) {
  const environment = await createCliEnvironment({ ...vendor.environment, LOG_LEVEL: 'info', ...extra });
  const {
    DATABASE_URL: databaseUrl = '',
    REDIS_URL: redisUrl = '',
    REPORTS_DIR: reportsDir = '',
    IDSCAN_DATA_DIR: dataDir = '',
  } = environment as Record<string, string>;
  const rows = async <Row extends pg.QueryResultRow>(text: string): Promise<Row[]> => {
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    try {
      return (await client.query<Row>(text)).rows;
    } finally {
      await client.end();
    }
  };
  const command = async (args: readonly string[], input?: string): Promise<void> => {
    const { code, stdout, stderr } = await runCli(args, environment, input);
    if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${stdout}${stderr}`);
  };
  return {
    environment,
    rows,
    command,
    enqueue: (accounts: readonly Account[], resultOf = (account: Account): string => account.resultId) =>
      command(
        ['enqueue', '-'],
        ['transaction_id,result_id', ...accounts.map((one) => `${one.transactionId},${resultOf(one)}`), ''].join('\n'),
      ),
    obligations: () =>
      rows<ObligationRow>(
        'select transaction_id, kind, state, last_error_code as code, attempts_made from obligations order by 1, 2',
      ),
    files: async () => {
      const documents = await storedDocuments(rows, dataDir);
      const contents = new Map(documents.map((one) => [placeOf(one), sha256Of(one.content)]));
      const all = await rows<Omit<FileRow, 'sha256'>>(
        `select transaction_id, kind, origin, position, state, error_code as code, object_name from files order by 1, 2, 3, 4`,
      );
      return all.map((row): FileRow => ({ ...row, sha256: contents.get(placeOf(row)) ?? null }));
    },
    faultsInStore: () => faultsInStore(rows, dataDir),
    /** The lines of the month's report, written now. */
    lines: async (): Promise<string[]> => {
      await command(['report', month]);
      return asLines((await readReport(reportsDir, month)).detail);
    },
    report: () => readReport(reportsDir, month),
    /** Everything that Postgres and Redis hold, as text. */
    everything: async (): Promise<string> => `${await allRows(rows)}\n${await allKeys(redisUrl)}`,
  };
}

async function allRows(rows: (text: string) => Promise<pg.QueryResultRow[]>): Promise<string> {
  const tables = await rows(`select tablename from pg_tables where schemaname = 'public'`);
  const texts = await Promise.all(
    tables.map(({ tablename }) => rows(`select t::text as row from "${String(tablename)}" t`)),
  );
  return texts.flatMap((table) => table.map(({ row }) => String(row))).join('\n');
}

async function allKeys(redisUrl: string): Promise<string> {
  const redis = new Redis(redisUrl);
  const keys = await keysOf(redis);
  await redis.quit();
  return keys.map(({ bytes }) => bytes.toString()).join('\n');
}

export const invoiceOf = (accounts: readonly Account[]): string[] => accounts.flatMap(({ invoice }) => invoice).sort();
