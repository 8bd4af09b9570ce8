import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ServiceConfig } from '../config/config.ts';
import { LedgerError } from '../errors.ts';

/** Nothing from other hosts, no scripts, nothing inline, no frames. */
const strictPolicy =
  "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/**
 * `same-origin` instead of `no-referrer`: with the latter, browsers send `Origin: null` for our own forms, which then
 * look like another site's.
 */
const headers = {
  'content-security-policy': strictPolicy,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'cache-control': 'no-store',
};

/** Sets hardened headers on every response. A route that needs other ones overrides them. */
export function addSecurityHeaders(server: FastifyInstance, service: ServiceConfig): void {
  server.addHook('onRequest', async (request, reply) => {
    setSecurityHeaders(request, reply, service);
    return Promise.resolve();
  });
}

/** For responses that no hook sees. */
export function setSecurityHeaders(request: FastifyRequest, reply: FastifyReply, service: ServiceConfig): void {
  void reply.headers(headers).header('x-request-id', request.id);
  if (isOverTls(request, service)) void reply.header('strict-transport-security', 'max-age=31536000');
}

/** Whether the browser's connection is encrypted, according to a trusted proxy or the configuration. */
export const isOverTls = (request: FastifyRequest, { publicUrl }: ServiceConfig): boolean =>
  request.protocol === 'https' || publicUrl?.protocol === 'https:';

const safeMethods = ['GET', 'HEAD', 'OPTIONS'];

/**
 * Refuses requests that another site made a browser send. Browsers say where a request comes from: `Sec-Fetch-Site`, or
 * `Origin` on unencrypted connections. A request with neither is refused.
 *
 * @throws LedgerError `forbidden`
 */
export function refuseCrossSite(request: FastifyRequest, { publicUrl }: ServiceConfig): void {
  if (safeMethods.includes(request.method)) return;
  const site = request.headers['sec-fetch-site'];
  const { origin } = request.headers;
  const own = [publicUrl?.origin, `${request.protocol}://${request.host}`];
  const isOwn = site === undefined ? origin !== undefined && own.includes(origin) : site === 'same-origin';
  if (!isOwn)
    throw new LedgerError('forbidden', 'This was sent by another site, or by no page at all.', {
      hint: 'Use the pages of this service, or a bearer token where programs are meant to call.',
    });
}
