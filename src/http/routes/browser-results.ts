import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { BrowserConfig } from '../../config/browsers.ts';
import { errorCode, LedgerError } from '../../errors.ts';
import { type BrowserToken, readBrowserToken } from '../../jobs/intake/browser-tokens.ts';
import { takeBrowserReport } from '../../jobs/intake/take-browser-report.ts';
import type { ServiceMeter } from '../../metrics/service.ts';
import { createBrowserLimits } from '../access/limits.ts';
import { browserBody, reportBrowserResult as operation } from '../api/browser-results.ts';
import type { ServiceContext } from '../context.ts';
import { acceptJson, acceptJsonAsText } from '../json.ts';
import { within } from '../../within.ts';

const commitTimeoutMs = 5_000;

type Desk = {
  readonly context: ServiceContext;
  readonly browsers: BrowserConfig;
  readonly meter: ServiceMeter;
  readonly limits: ReturnType<typeof createBrowserLimits>;
};

/**
 * `POST /api/browser-results`: what a page of another site says of the transaction that it shows. Open to the configured
 * origins; the token of the transaction is in the body, because a page that is being left can send no header.
 */
export function addBrowserResultsRoute(
  server: FastifyInstance,
  context: ServiceContext,
  browsers: BrowserConfig,
  meter: ServiceMeter,
): void {
  const { path, body } = operation;
  const desk: Desk = { context, browsers, meter, limits: createBrowserLimits(server) };
  void server.register((scope, _options, done) => {
    acceptJson(scope);
    acceptJsonAsText(scope);
    scope.addHook('onRequest', async (request, reply) => {
      try {
        allowOrigin(request, reply, browsers);
      } catch (error) {
        throw await refused(desk, request, error);
      }
    });
    scope.options(path, (_request, reply) =>
      reply
        .headers({
          'access-control-allow-methods': 'POST',
          'access-control-allow-headers': 'content-type',
          'access-control-max-age': '600',
        })
        .code(204)
        .send(),
    );
    scope.post(path, { bodyLimit: body.maxBytes }, async (request, reply) => {
      await take(desk, request);
      return reply.code(204).send();
    });
    done();
  });
}

/** Browsers say which site a page belongs to, and scripts cannot change that. Other programs have no business here. */
function allowOrigin({ headers }: FastifyRequest, reply: FastifyReply, { origins }: BrowserConfig): void {
  void reply.header('vary', 'origin');
  const { origin } = headers;
  if (origin === undefined || !origins.includes(origin))
    throw new LedgerError('browser_origin_refused', 'Pages of this site may not report here.', {
      hint: 'The operator of this service allows sites in BROWSER_ORIGINS.',
    });
  void reply.headers({ 'access-control-allow-origin': origin, 'access-control-expose-headers': 'retry-after' });
}

async function take(desk: Desk, request: FastifyRequest): Promise<void> {
  const { context, browsers, meter, limits } = desk;
  try {
    const { token: given, transactionId = null, resultId = null, ...says } = bodyOf(request.body);
    const token = tokenFor(request, readBrowserToken(browsers, given, context.now()));
    await limits.taken(request, token.id);
    const taken = takeBrowserReport(context, token, { ...says, transactionId, resultId });
    const { outcome, newlyIgnored } = await within(commitTimeoutMs, taken, late);
    meter.browserReport(outcome, newlyIgnored);
  } catch (error) {
    throw await refused(desk, request, error);
  }
}

function bodyOf(given: unknown) {
  const read = browserBody.safeParse(given);
  if (!read.success)
    throw new LedgerError('request_invalid', 'The body is not what embed.js sends.', {
      hint: 'Send {"token": "…", "event": "opened" | "completed" | "left", "resultId": "…" with completed}.',
    });
  return read.data;
}

/** A token is for the pages of one site, also where several may report. */
function tokenFor({ headers }: FastifyRequest, token: BrowserToken): BrowserToken {
  if (token.origin === headers.origin) return token;
  throw new LedgerError('browser_origin_refused', 'The token was made for pages of another site.', {
    hint: 'Create the transaction with the origin of the page that shows it.',
  });
}

/** Counts what is refused. Whoever is refused too often is told nothing else any more. */
async function refused({ meter, limits }: Desk, request: FastifyRequest, error: unknown): Promise<unknown> {
  const code = errorCode(error);
  meter.browserReport(code, 0);
  if (/^(browser_|request_)/.test(code)) await limits.refused(request);
  return error;
}

const late = (): LedgerError => new LedgerError('database_unavailable', 'Postgres does not answer in time.');
