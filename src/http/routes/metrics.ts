import type { FastifyInstance } from 'fastify';
import { asDatabaseError } from '../../db/database.ts';
import { errorCode } from '../../errors.ts';
import { renderBookMetrics } from '../../metrics/books.ts';
import type { Guard } from '../access/guard.ts';
import { metrics as operation } from '../api/monitoring.ts';
import type { ServiceContext } from '../context.ts';
import { within } from '../../within.ts';

const readTimeoutMs = 8_000;
/** Monitors that ask within this time share one read of Postgres. */
const keptMs = 2_000;

/** `/metrics`: this process' own metrics and the state of the books. Without Postgres, only the former. */
export function addMetricsRoute(server: FastifyInstance, context: ServiceContext, guard: Guard): void {
  let latest: { readonly atMs: number; readonly text: Promise<string> } | undefined;
  const books = (): Promise<string> => {
    if (!latest || performance.now() - latest.atMs > keptMs)
      latest = { atMs: performance.now(), text: renderBookMetrics(context) };
    return latest.text;
  };
  const late = () => new Error('timeout exceeded when reading the figures');
  server.get(operation.path, { onRequest: guard(operation.roles, operation.means) }, async (request, reply) => {
    const [own, ofBooks] = await Promise.all([
      context.registry.metrics(),
      within(readTimeoutMs, books(), late).catch((error: unknown) => {
        request.log.warn({ code: errorCode(asDatabaseError(error)) }, 'the books cannot be read for the metrics');
        return null;
      }),
    ]);
    const isReadable = `# HELP idscan_books_readable Whether the books could be read for this answer.
# TYPE idscan_books_readable gauge
idscan_books_readable ${ofBooks === null ? 0 : 1}
`;
    void reply.type(context.registry.contentType);
    return [own, ofBooks ?? '', isReadable].join('\n');
  });
}
