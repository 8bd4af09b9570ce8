import path from 'node:path';
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isPeriod } from '../../domain/billing-month.ts';
import { LedgerError } from '../../errors.ts';
import { disputeFiles, reconciliationFiles } from '../../reports/dispute/published-files.ts';
import { type DialectName, manifestName } from '../../reports/names.ts';
import { findPublished, openPublished, type PublishedFile, publishedIn } from '../../reports/published.ts';
import type { ReportFiles, ReportStore } from '../../reports/report-store.ts';
import type { Accessed } from '../access-log.ts';
import type { Guard } from '../access/guard.ts';
import { routeOf } from '../api/operation.ts';
import { reportFile as operation } from '../api/reports.ts';
import type { ServiceContext } from '../context.ts';

type Route = { Params: { period: string; name: string } };

/**
 * `/reports/<month>/files/<name>`: published files, and copies for spreadsheets, which are made while they are sent.
 */
export function addReportFileRoutes(server: FastifyInstance, { reports }: ServiceContext, guard: Guard): void {
  const options = { onRequest: guard(operation.roles, operation.means), config: { accessed } };
  server.get<Route>(routeOf(operation), options, async (request, reply) => {
    const { period, name } = request.params;
    // The name is only compared with the published names. No path is built from it.
    const found = isPeriod(period) ? await publishedFile(reports, period, name) : undefined;
    if (!found)
      throw new LedgerError('not_found', 'The report of this month has no such file.', {
        hint: 'Files that are there: the page of the month. A closed month has other names than before.',
      });
    const download = await openPublished(found.of, found.file, found.dialect);
    const etag = `"${download.sha256}"`;
    void reply.headers({
      etag,
      'cache-control': 'private, no-cache',
      'content-disposition': `attachment; filename="${name}"`,
    });
    if (matches(request.headers['if-none-match'], etag) || request.method === 'HEAD') await download.close();
    if (matches(request.headers['if-none-match'], etag)) return reply.code(304).send();
    void reply.type(mediaTypes[path.extname(name)] ?? 'application/json');
    void reply.header('content-length', download.bytes);
    if (request.method === 'HEAD') return reply.send(Readable.from([]));
    const stream = Readable.from(download.stream(), { objectMode: false });
    stream.once('close', () => void download.close());
    return reply.send(stream);
  });
}

const mediaTypes: Readonly<Record<string, string>> = {
  '.csv': 'text/csv; charset=utf-8; header=present',
  '.txt': 'text/plain; charset=utf-8',
};

type Found = {
  readonly of: ReportFiles;
  readonly file: PublishedFile;
  readonly dialect: DialectName | undefined;
};

/** A file of a month's report, of its reconciliation, or of what was written to be sent to the vendor. */
async function publishedFile(reports: ReportStore, period: string, name: string): Promise<Found | undefined> {
  const folder = reports.folder(period);
  const published = await publishedIn(folder, period);
  const found = published && findPublished(published, name);
  if (found) return { of: folder.filesOf(manifestName, published.manifest.sha256), ...found };
  for (const read of [reconciliationFiles, disputeFiles]) {
    const set = await read(reports, period);
    const file = set?.files.find((one) => one.name === name);
    if (set && file) return { of: set.of, file, dialect: undefined };
  }
  return undefined;
}

/** If a file was found, both values match published names. Text that cannot be a file name is not logged. */
function accessed(request: FastifyRequest): Accessed {
  const { period, name } = request.params as Route['Params'];
  const month = isPeriod(period) ? period : null;
  return { what: 'report_file', month, file: /^[\w.-]{1,100}$/.test(name) ? name : null };
}

const matches = (header: string | undefined, etag: string): boolean =>
  (header ?? '').split(',').some((one) => ['*', etag].includes(one.trim().replace(/^W\//, '')));
