import type { FastifyInstance, FastifyRequest } from 'fastify';
import { documentAccesses } from '../../db/document-accesses.ts';
import type { FileKind } from '../../db/files.ts';
import { normaliseId } from '../../domain/transaction-id.ts';
import { errorCode, LedgerError } from '../../errors.ts';
import { contentTypeOf, fileNameOf } from '../../jobs/custody/file-names.ts';
import { listDocuments } from '../../jobs/custody/list-documents.ts';
import { readDocument } from '../../jobs/custody/read-document.ts';
import { reasonIn } from '../../jobs/custody/reason.ts';
import { readSecretKeys } from '../../store/encryption/masters.ts';
import type { DocumentPlace } from '../../store/layout.ts';
import { documentStore } from '../../store/open.ts';
import type { Accessed } from '../access-log.ts';
import type { Guard } from '../access/guard.ts';
import type { ServiceContext } from '../context.ts';
import { acceptForms, field, maxFormBytes } from '../forms.ts';
import { documentsPage } from '../pages/documents.ts';
import { sendPage } from '../pages/send.ts';
import { principalOf } from './reports.ts';

type ListRoute = { Params: { id: string } };
type ReadRoute = { Params: { id: string; kind: string; origin: string; position: string } };

/** The only role that reads documents. */
const custodians = ['custodian'] as const;

const accessesShown = 20;

/** What a browser does with a document is to save it: it is never shown as a page of ours, kept, or run. */
const guarded = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'content-security-policy': "sandbox; default-src 'none'",
};

/** `/transactions/<id>/documents`: what there is, who read it, and the documents themselves. */
export function addDocumentRoutes(server: FastifyInstance, context: ServiceContext, guard: Guard): void {
  const onRequest = guard(custodians, 'bearer or session');
  const options = { onRequest, config: { accessed: listed, accessedByAnybody: true } } as const;
  server.get<ListRoute>('/transactions/:id/documents', options, async (request, reply) => {
    const list = await listDocuments(context, request.params.id);
    const { transactionId } = list;
    const accesses = await documentAccesses(context.db.kysely, { transactionId, limit: accessesShown });
    const { billingTimeZone: timeZone } = context.config;
    sendPage(reply, documentsPage(principalOf(request), { list, accesses, timeZone, canRead: await canRead(context) }));
    return reply;
  });
  void server.register((scope, _options, done) => {
    acceptForms(scope);
    addReading(scope, context, onRequest);
    done();
  });
}

function addReading(scope: FastifyInstance, context: ServiceContext, onRequest: ReturnType<Guard>): void {
  const { db, config } = context;
  const store = documentStore(config);
  const options = { bodyLimit: maxFormBytes, onRequest, config: { accessed: read, accessedByAnybody: true } } as const;
  scope.post<ReadRoute>('/transactions/:id/documents/:kind/:origin/:position', options, async (request, reply) => {
    const place = placeIn(request.params);
    const reason = reasonIn(field(request.body, 'reason'));
    if (reason === undefined)
      throw new LedgerError('request_invalid', 'There is no reason.', { hint: 'Say why it is read; it is kept.' });
    if (!place) throw new LedgerError('not_found', 'There is no such document.');
    const secretKeys = await readSecretKeys(config);
    const reader = { accessedBy: principalOf(request).name, reason, via: 'browser', address: request.ip } as const;
    const { content, mediaType } = await readDocument({ db, store }, secretKeys, place, reader);
    void reply.headers({
      ...guarded,
      'content-disposition': `attachment; filename="${fileNameOf(place, mediaType)}"`,
    });
    return reply.type(contentTypeOf(mediaType)).send(content);
  });
}

/** Looks each time: a key that is put there, or taken away, counts at once. */
async function canRead({ config }: ServiceContext): Promise<boolean> {
  try {
    await readSecretKeys(config);
    return true;
  } catch (error) {
    if (errorCode(error) === 'internal') throw error;
    return false;
  }
}

const isKind = (text: string): text is FileKind => text === 'document' || text === 'audit_report';

/** The document that a path names; `undefined` = it names none. */
function placeIn({ id, kind, origin, position }: ReadRoute['Params']): DocumentPlace | undefined {
  const transactionId = normaliseId(id);
  const isPlace = /^[a-z]{1,20}(_\d{1,6})?$/.test(origin) && /^\d{1,6}$/.test(position);
  if (transactionId === undefined || !isKind(kind) || !isPlace) return undefined;
  return { transactionId, kind, origin, position: Number(position) };
}

const listed = ({ params }: FastifyRequest): Accessed => ({
  what: 'documents',
  transactionId: normaliseId((params as ListRoute['Params']).id) ?? null,
});

/** Text that is no place is not logged. */
function read({ params }: FastifyRequest): Accessed {
  const { id, kind, origin, position } = params as ReadRoute['Params'];
  const place = placeIn({ id, kind, origin, position });
  const transactionId = normaliseId(id) ?? null;
  return {
    what: 'document',
    transactionId,
    document: place ? `${place.kind} ${place.origin}/${place.position}` : null,
  };
}
