import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { BrowserConfig } from '../../config/browsers.ts';
import { LedgerError } from '../../errors.ts';
import { issueBrowserToken } from '../../jobs/intake/browser-tokens.ts';
import { createTransaction } from '../../jobs/intake/create-transaction.ts';
import type { Guard } from '../access/guard.ts';
import type { ServiceContext } from '../context.ts';
import { acceptJson } from '../json.ts';

const maxBodyBytes = 64 * 1_024;

/** What this program takes for itself; everything else is the vendor's request. */
const own = z.object({ reference: z.string().nullish(), browserOrigin: z.string().nullish() });

/**
 * `POST /api/transactions`: has the vendor create a transaction, and takes it in. Answers 201 with its ID and address,
 * 200 for a repeated idempotency key, 504 if the vendor's answer never came.
 */
export function addCreationRoute(server: FastifyInstance, context: ServiceContext, guard: Guard): void {
  void server.register((scope, _options, done) => {
    acceptJson(scope);
    const options = { bodyLimit: maxBodyBytes, onRequest: guard(['intake'], 'bearer') };
    scope.post('/api/transactions', options, async (request, reply) => {
      const { vendor } = context;
      if (!vendor)
        throw new LedgerError('not_configured', 'This service has no key of the vendor, so it creates nothing.', {
          hint: 'Set IDSCAN_KEY_ID and IDSCAN_KEY_SECRET for serve.',
        });
      const { reference, browserOrigin, ...wish } = bodyOf(request.body);
      const origin = originOf(context.service.browsers, browserOrigin ?? null);
      const key = request.headers['idempotency-key'];
      const { transactionId, url, expires, unknown, isNew } = await createTransaction(
        { ...context, vendor },
        {
          request: wish,
          reference: reference ?? null,
          idempotencyKey: typeof key === 'string' ? key : null,
          askedBy: request.principal?.name ?? 'unknown',
        },
      );
      const browser = tokenOf(context, origin, { transactionId, expires });
      // The address is for one person: no cache keeps it.
      return reply
        .code(isNew ? 201 : 200)
        .header('cache-control', 'no-store')
        .send({ transactionId, url, expires, unknownSettings: unknown, ...browser });
    });
    done();
  });
}

/** The site whose page shows the transaction; `null` = none was named, and it is not plain which one it is. */
function originOf(browsers: BrowserConfig | undefined, given: string | null): string | null {
  const origins = browsers?.origins ?? [];
  if (given !== null && !origins.includes(given))
    throw new LedgerError('request_invalid', 'browserOrigin is none of the sites whose pages may report.', {
      hint: 'Nothing was asked of the vendor. BROWSER_ORIGINS of the service lists them.',
    });
  return given ?? (origins.length === 1 ? (origins[0] ?? null) : null);
}

function tokenOf(
  { service: { browsers }, now }: ServiceContext,
  origin: string | null,
  { transactionId, expires }: { readonly transactionId: string; readonly expires: Date | null },
): { readonly browserToken: string | null; readonly browserTokenExpires: Date | null } {
  if (!browsers || origin === null) return { browserToken: null, browserTokenExpires: null };
  const made = issueBrowserToken(browsers, { transactionId, origin, expires }, now());
  return { browserToken: made.token, browserTokenExpires: made.expires };
}

function bodyOf(body: unknown): z.output<typeof own> & Readonly<Record<string, unknown>> {
  const read = own.loose().safeParse(body);
  if (!read.success)
    throw new LedgerError('request_invalid', 'The body must be an object, its reference and its browserOrigin texts.', {
      hint: 'Send {"tasks": ["document_scan"], "reference": "cost-centre-7"}.',
    });
  return read.data;
}
