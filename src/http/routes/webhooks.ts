import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ServiceConfig } from '../../config/config.ts';
import { LedgerError } from '../../errors.ts';
import { takeEvent } from '../../jobs/intake/take-event.ts';
import type { ServiceMeter } from '../../metrics/service.ts';
import { matching, sha256 } from '../access/digests.ts';
import type { ServiceContext } from '../context.ts';
import { acceptJson } from '../json.ts';
import { within } from '../../within.ts';

export const webhookPath = '/webhooks/id-scan';
const maxBodyBytes = 64 * 1_024;
/** The vendor gives up at a time we do not know; until then it should have its answer, even if it is "later". */
const commitTimeoutMs = 5_000;

/**
 * Takes the vendor's events. Answered 204 once what they ask for is committed, whatever Redis does; 503 while Postgres is
 * away, so that the vendor delivers again.
 */
export function addWebhookRoute(server: FastifyInstance, context: ServiceContext, meter: ServiceMeter): void {
  void server.register((scope, _options, done) => {
    acceptJson(scope);
    const options = { bodyLimit: maxBodyBytes, onRequest: secretCheck(context.service.webhook) };
    scope.post(webhookPath, options, async (request, reply) => {
      const taken = takeEvent({ ...context, log: context.log.child({ requestId: request.id }) }, request.body);
      meter.event(await within(commitTimeoutMs, taken, late));
      return reply.code(204).send();
    });
    done();
  });
}

/** The vendor signs nothing: a header of our own, sent by it with every event, is all there is. */
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
