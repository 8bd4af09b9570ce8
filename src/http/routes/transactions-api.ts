import type { FastifyInstance } from 'fastify';
import type { BrowserConfig } from '../../config/browsers.ts';
import { LedgerError } from '../../errors.ts';
import { issueBrowserToken } from '../../jobs/intake/browser-tokens.ts';
import { createTransaction } from '../../jobs/intake/create-transaction.ts';
import type { Guard } from '../access/guard.ts';
import { createTransaction as operation } from '../api/creation.ts';
import type { ServiceContext } from '../context.ts';
import { acceptJson } from '../json.ts';

/**
 * `POST /api/transactions`: has the vendor create a transaction, and takes it in. Answers 201 with its ID and address,
 * 200 for a repeated idempotency key, 504 if the vendor's answer never came.
 */
export function addCreationRoute(server: FastifyInstance, context: ServiceContext, guard: Guard): void {
  void server.register((scope, _options, done) => {
    acceptJson(scope);
    const { path, roles, means, body } = operation;
    const options = { bodyLimit: body.maxBytes, onRequest: guard(roles, means) };
    scope.post(path, options, async (request, reply) => {
      const { vendor } = context;
      if (!vendor)
        throw new LedgerError('not_configured', 'This service has no key of the vendor, so it creates nothing.', {
          hint: 'Set IDSCAN_KEY_ID and IDSCAN_KEY_SECRET for serve.',
        });
      const { browserOrigin, wanted } = apart(request.body);
      const origin = originOf(context.service.browsers, browserOrigin);
      const key = request.headers['idempotency-key'];
      const { transactionId, url, expires, unknown, isNew } = await createTransaction(
        { ...context, vendor },
        {
          wanted,
          idempotencyKey: typeof key === 'string' ? key : null,
          askedBy: request.principal?.name ?? 'unknown',
          browserOrigin: origin,
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

/** What says which page will show the transaction is for this program, not for the vendor. */
function apart(body: unknown): { readonly browserOrigin: unknown; readonly wanted: unknown } {
  if (typeof body !== 'object' || body === null || !('browserOrigin' in body))
    return { browserOrigin: null, wanted: body };
  const { browserOrigin, ...wanted } = body;
  return { browserOrigin, wanted };
}

/** The site whose page shows the transaction; `null` = none was named, and it is not plain which one it is. */
function originOf(browsers: BrowserConfig | undefined, browserOrigin: unknown): string | null {
  const origins = browsers?.origins ?? [];
  const given = browserOrigin ?? null;
  const [only = null] = origins.length === 1 ? origins : [];
  if (given === null) return only;
  if (typeof given !== 'string' || !origins.includes(given))
    throw new LedgerError('request_invalid', 'browserOrigin is none of the sites whose pages may report.', {
      hint: 'Nothing was asked of the vendor. BROWSER_ORIGINS of the service lists them.',
    });
  return given;
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
