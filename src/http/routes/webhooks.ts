import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ServiceConfig } from '../../config/config.ts';
import { LedgerError } from '../../errors.ts';
import { takeEvent } from '../../jobs/intake/take-event.ts';
import type { ServiceMeter } from '../../metrics/service.ts';
import { matching, sha256 } from '../access/digests.ts';
import { takeEvent as operation } from '../api/webhook.ts';
import type { ServiceContext } from '../context.ts';
import { acceptJson } from '../json.ts';
import { within } from '../../within.ts';

/** The vendor's timeout is unknown. It should get an answer before that, even a 503. */
const commitTimeoutMs = 5_000;

/**
 * Receives the vendor's events. Answers 204 once what they ask for is committed, whatever the state of Redis, and 503
 * while Postgres is down, so that the vendor delivers again.
 */
export function addWebhookRoute(server: FastifyInstance, context: ServiceContext, meter: ServiceMeter): void {
  void server.register((scope, _options, done) => {
    acceptJson(scope);
    const options = { bodyLimit: operation.body.maxBytes, onRequest: secretCheck(context.service.webhook) };
    scope.post(operation.path, options, async (request, reply) => {
      const taken = takeEvent({ ...context, log: context.log.child({ requestId: request.id }) }, request.body);
      meter.event(await within(commitTimeoutMs, taken, late));
      return reply.code(204).send();
    });
    done();
  });
}

/** The vendor signs nothing. A header of our own, which it sends with every event, is the only protection. */
function secretCheck({ header, secrets }: ServiceConfig['webhook']): (request: FastifyRequest) => Promise<void> {
  const digests = secrets.map(sha256);
  return async (request) => {
    const given = request.headers[header];
    if (typeof given !== 'string' || matching(given, digests, (digest) => digest).length === 0)
      throw new LedgerError('unauthenticated', 'The shared secret is missing or wrong.', {
        hint: 'Register the webhook again with: npx idscan-ledger webhooks register',
      });
    return Promise.resolve();
  };
}

const late = (): LedgerError => new LedgerError('database_unavailable', 'Postgres does not answer in time.');
