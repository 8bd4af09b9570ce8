import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { LedgerError } from '../../errors.ts';
import { type InputLine, type LineAnswer, takeIn } from '../../jobs/intake/intake.ts';
import type { Guard } from '../access/guard.ts';
import { enqueueResults, maxItems, resultItem, type resultsAnswer, resultsBody } from '../api/results.ts';
import type { ServiceContext } from '../context.ts';
import { acceptJson } from '../json.ts';
import { problemOf } from '../problem.ts';
import { within } from '../../within.ts';

const commitTimeoutMs = 20_000;
/** How long a program waits for its jobs to be enqueued. The items are committed either way. */
const wakeWithinMs = 2_000;

/** Each item is checked separately: a bad one never stops a good one. */
const body = resultsBody(z.unknown(), z.looseObject({}));

/** `POST /api/results`: what `enqueue` does, for programs. */
export function addResultsRoute(server: FastifyInstance, context: ServiceContext, guard: Guard): void {
  void server.register((scope, _options, done) => {
    acceptJson(scope);
    const { path, roles, means, body: limits } = enqueueResults;
    const options = { bodyLimit: limits.maxBytes, onRequest: guard(roles, means) };
    scope.post(path, options, async (request, reply) => {
      const taken = takeIn(context, readItems(request.body), 'api', wakeWithinMs);
      const { answers, isQueued } = await within(commitTimeoutMs, taken, late);
      const summary: z.output<typeof resultsAnswer> = {
        ...counts(answers),
        workersTold: isQueued,
        answers: answers.map(shown),
      };
      if (summary.accepted + summary.alreadyKnown > 0) return summary;
      const error = new LedgerError('request_invalid', 'Nothing was taken: every item was rejected.');
      void reply.code(422).type('application/problem+json');
      return JSON.stringify({ ...problemOf(422, error, request.id), ...summary });
    });
    done();
  });
}

function readItems(json: unknown): InputLine[] {
  const items = itemsIn(body.safeParse(json).data);
  if (items.length === 0 || items.length > maxItems)
    throw new LedgerError('request_invalid', `The body must hold 1 to ${maxItems} transactions.`, {
      hint: 'Send {"transactionId": "…", "resultId": "…"}, a list of such, or {"transactions": [ … ]}.',
    });
  return items.map((one, index): InputLine => {
    const line = index + 1;
    const read = resultItem.safeParse(one);
    if (!read.success) return { line, problem: 'is not {"transactionId": text, "resultId": text or null}' };
    return { line, transactionId: read.data.transactionId, resultId: read.data.resultId ?? '' };
  });
}

function itemsIn(read: z.output<typeof body> | undefined): unknown[] {
  if (read === undefined) return [];
  if (Array.isArray(read)) return read;
  return 'transactions' in read && Array.isArray(read.transactions) ? read.transactions : [read];
}

function counts(answers: readonly LineAnswer[]) {
  const of = (wanted: LineAnswer['answer']) => answers.filter(({ answer }) => answer === wanted).length;
  return { accepted: of('accepted'), alreadyKnown: of('already_known'), rejected: of('rejected') };
}

/** Items are identified by their position, from 1, because their content may be anything. */
const shown = ({ line, ...answer }: LineAnswer) => ({ item: line, ...answer });

const late = (): LedgerError => new LedgerError('database_unavailable', 'Postgres does not answer in time.');
