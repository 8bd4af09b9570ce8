import { randomUUID } from 'node:crypto';
import cookie from '@fastify/cookie';
import rateLimit from '@fastify/rate-limit';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyRequest, LogController } from 'fastify';
import { LedgerError } from '../errors.ts';
import { readingWithin } from '../jobs/reading.ts';
import { addressError } from '../metrics/listener.ts';
import { createServiceMeter, type ServiceMeter } from '../metrics/service.ts';
import { addAccessLog, type AuditLog, createAuditLog } from './access-log.ts';
import { createGuard } from './access/guard.ts';
import { createOidcVerifier } from './access/oidc.ts';
import { createOidcProvider } from './access/oidc-provider.ts';
import { createOidcSignIn } from './access/oidc-sign-in.ts';
import { createSealer } from './access/sealing.ts';
import { createSessions } from './access/sessions.ts';
import { addressesIn } from './addresses.ts';
import { whenAnswered } from './answered.ts';
import type { ServiceContext } from './context.ts';
import { answerBrokenRequest } from './broken-requests.ts';
import { addHostCheck } from './hosts.ts';
import { createMonthCache } from './month-cache.ts';
import { asProblem, sendProblem } from './problem.ts';
import { isPerson } from './pages/send.ts';
import { addDescriptionRoutes } from './routes/api.ts';
import { addAssets, addEmbedScript } from './routes/assets.ts';
import { addAttemptRoutes } from './routes/attempts.ts';
import { addBrowserResultsRoute } from './routes/browser-results.ts';
import { addDocumentRoutes } from './routes/documents.ts';
import { addCreationRoute } from './routes/transactions-api.ts';
import { addHealthRoutes } from './routes/health.ts';
import { addInvoicePages } from './routes/invoice.ts';
import { addInvoiceChanges } from './routes/invoice-changes.ts';
import { addMetricsRoute } from './routes/metrics.ts';
import { addQueueBoard } from './routes/queues.ts';
import { addReportFileRoutes } from './routes/report-files.ts';
import { addReportRoutes } from './routes/reports.ts';
import { addResultsRoute } from './routes/results.ts';
import { addSignInRoutes } from './routes/sign-in.ts';
import { addTransactionRoutes } from './routes/transactions.ts';
import { addWebhookRoute } from './routes/webhooks.ts';
import { addTracing } from './tracing.ts';
import { addSecurityHeaders, setSecurityHeaders } from './security.ts';
import { orAfter } from '../within.ts';

/** Counting the largest month takes less. It goes on in the background: pages wait for it much less. */
const countWithinMs = 10 * 60_000;

/**
 * Builds the service, without listening yet. Only `/healthz`, the sign-in with its assets and, if configured,
 * `/readyz` are open.
 *
 * @example
 * const server = await buildServer(context);
 * await listen(server, context.service);
 */
export async function buildServer(context: ServiceContext): Promise<FastifyInstance> {
  const server = createServer(context);
  const meter = createServiceMeter(context.registry);
  addSecurityHeaders(server, context.service);
  addTracing(server, context.tracing);
  addObservation(server, meter);
  const audit = createAuditLog(context);
  addAccessLog(server, audit);
  addHostCheck(server, context.service);
  await server.register(cookie);
  await server.register(rateLimit, { global: false });
  // Each route registers the parsers it needs.
  server.removeAllContentTypeParsers();
  addRoutes(server, context, meter, audit);
  await server.ready();
  return server;
}

function createServer({ log, service }: ServiceContext): FastifyInstance {
  const { trustedProxies } = service;
  const isTrusted = addressesIn(trustedProxies);
  // We log requests ourselves, without addresses and queries. The serializers drop what the framework would add.
  const loggerInstance: FastifyBaseLogger = log.child(
    {},
    { serializers: { req: () => undefined, res: () => undefined } },
  );
  const server = Fastify({
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: ({ headers, socket }) =>
      (isTrusted(socket.remoteAddress) && knownId(headers['x-request-id'])) || randomUUID(),
    trustProxy: trustedProxies.length > 0 ? [...trustedProxies] : false,
    bodyLimit: 1_024,
    // For an invoice of 50 MiB on a line of 4 Mbit/s. Whoever is not known has no body read.
    requestTimeout: 120_000,
    keepAliveTimeout: 72_000,
    // We refuse a request without a host ourselves, with our own message.
    http: { headersTimeout: 10_000, requireHostHeader: false },
    return503OnClosing: true,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 200 },
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: (error, request, reply) => {
      setSecurityHeaders(request, reply, service);
      void sendProblem(error, request, reply);
    },
  });
  server.decorateRequest('principal', null);
  server.decorateRequest('refusal', null);
  server.setErrorHandler(async (error, request, reply) => {
    const mayBeSent = request.method === 'GET' && isPerson(request) && !request.url.startsWith('/sign-in');
    const { status, error: refused } = asProblem(error);
    request.refusal = refused.code;
    if (mayBeSent && status === 401) return reply.redirect(`/sign-in?next=${encodeURIComponent(request.url)}`, 303);
    return sendProblem(error, request, reply);
  });
  const routes: Route[] = [];
  server.addHook('onRoute', ({ url, method }) => {
    routes.push({ parts: url.split('/'), methods: [method].flat() });
  });
  server.setNotFoundHandler((request) => {
    throw isOtherMethod(routes, request)
      ? new LedgerError('method_not_allowed', `${request.method} does nothing at this address.`)
      : new LedgerError('not_found', 'There is nothing at this address.');
  });
  return server;
}

function addRoutes(server: FastifyInstance, context: ServiceContext, meter: ServiceMeter, audit: AuditLog): void {
  const { service, now, db } = context;
  const sealer = createSealer(service.session.key, now);
  const sessions = createSessions(service, sealer, db);
  const provider = service.oidc && createOidcProvider(service.oidc);
  const verifier = service.oidc && provider && createOidcVerifier(service.oidc, provider, now);
  const guard = createGuard(service, sessions, verifier);
  const { oidc } = service;
  const signIn =
    oidc?.client && provider && verifier
      ? createOidcSignIn({ service, oidc, client: oidc.client, provider, verifier, sealer })
      : undefined;
  addHealthRoutes(server, context, guard);
  addMetricsRoute(server, context, guard);
  addResultsRoute(server, context, guard);
  addCreationRoute(server, context, guard);
  addSignInRoutes(server, context, { sessions, guard, oidc: signIn, meter, audit });
  addAssets(server);
  addDescriptionRoutes(server, guard);
  const reading = { guard, months: createMonthCache(readingWithin(countWithinMs, context)), audit };
  addReportRoutes(server, context, reading);
  addReportFileRoutes(server, context, guard);
  addAttemptRoutes(server, context, guard);
  addInvoicePages(server, context, guard);
  addInvoiceChanges(server, context, { guard, audit });
  addTransactionRoutes(server, context, guard);
  addDocumentRoutes(server, context, guard);
  addQueueBoard(server, context, guard);
  if (service.browsers) {
    addBrowserResultsRoute(server, context, service.browsers, meter);
    addEmbedScript(server);
  }
  if (service.webhook.secrets.length > 0) addWebhookRoute(server, context, meter);
  else context.log.warn('WEBHOOK_SECRET is not set: events of the vendor are not taken');
}

/** Logs and counts each request by the route's pattern, because a path may contain anything. */
function addObservation(server: FastifyInstance, meter: ServiceMeter): void {
  whenAnswered(server, (request, { elapsedTime }, status) => {
    const route = request.is404 ? 'none' : (request.routeOptions.url ?? 'none');
    const { method } = request;
    meter.answered(method, route, status, elapsedTime);
    const level = isRoutine(route, status) ? 'debug' : 'info';
    const principal = request.principal?.name ?? null;
    request.log[level]({ method, route, status, principal, durationMs: Math.round(elapsedTime) }, 'answered');
  });
}

/** Requests that come every few seconds would fill the log. */
const isRoutine = (route: string, status: number): boolean =>
  status < 400 && ['/healthz', '/readyz', '/metrics'].includes(route);

/** An address that is answered, in the parts between its slashes. */
type Route = { readonly parts: readonly string[]; readonly methods: readonly string[] };

function isOtherMethod(routes: readonly Route[], { url, method }: FastifyRequest): boolean {
  const [path = ''] = url.split('?', 1);
  const parts = path.split('/');
  return routes.some((route) => !route.methods.includes(method) && isAt(route, parts));
}

/** Whether a route is that of an address: a part that the route names with `:` may be anything but empty. */
const isAt = ({ parts }: Route, asked: readonly string[]): boolean =>
  parts.length === asked.length &&
  parts.every((part, index) => (part.startsWith(':') ? asked[index] !== '' : part === asked[index]));

/** The request ID from a trusted proxy, if it is safe to log. */
const knownId = (header: string | string[] | undefined): string | undefined =>
  typeof header === 'string' && /^[\w-]{8,64}$/.test(header) ? header : undefined;

/** @throws LedgerError `address_unavailable` @returns the address it listens on. */
export async function listen(
  server: FastifyInstance,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<string> {
  try {
    return await server.listen({ host, port });
  } catch (cause) {
    throw addressError(host, port, cause);
  }
}

/** Accepts nothing new at once. Running requests may finish, until the deadline. */
export async function drain(server: FastifyInstance, deadlineMs: number): Promise<void> {
  await orAfter(deadlineMs, server.close(), undefined);
  server.server.closeAllConnections();
}
