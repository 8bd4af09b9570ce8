import { z } from 'zod';
import { idPattern } from '../../domain/transaction-id.ts';
import { json, jsonSchema, type Operation } from './operation.ts';

export const maxItems = 1_000;

const id = { pattern: idPattern.source };
export const resultItem = z.object({
  transactionId: z.string().meta({ ...id, description: 'The vendor’s ID of the transaction.' }),
  resultId: z
    .string()
    .nullish()
    .meta({ description: 'The ID of its result, if it is known by now. It may be given later.' }),
});

/** One item, a list, or a list under a name. A list is looked for first: what else an object has is its own. */
export const resultsBody = <Items extends z.ZodType, One extends z.ZodType>(item: Items, one: One) => {
  const list = z.array(item).meta({ minItems: 1, maxItems });
  return z.union([z.object({ transactions: list }), list, one]);
};

const count = z.int().nonnegative();
export const resultsAnswer = z.object({
  accepted: count.meta({ description: 'New, or with a result ID that was not known.' }),
  alreadyKnown: count.meta({ description: 'Given before. Nothing was changed.' }),
  rejected: count,
  workersTold: z
    .boolean()
    .meta({ description: '`false`: Redis is away. Workers find by themselves what is committed.' }),
  answers: z
    .array(
      z.union([
        z.object({ item: z.int(), answer: z.enum(['accepted', 'already_known']) }),
        z.object({ item: z.int(), answer: z.literal('rejected'), reason: z.string() }),
      ]),
    )
    .meta({ description: 'An answer per item, each with its place in the list, from 1.' }),
});

const transactionId = '11111111-2222-4333-8444-555555555555';
const resultId = '99999999-2222-4333-8444-555555555555';

export const enqueueResults = {
  id: 'enqueueResults',
  method: 'post',
  path: '/api/results',
  summary: 'Registers transactions, so that their results are fetched and charged',
  description:
    'Idempotent: what is known stays as it is, so a request whose answer was lost may be repeated. A bad item never stops a good one. It is committed before it is answered, whatever the state of Redis.',
  means: 'bearer',
  roles: ['intake'],
  body: {
    schema: jsonSchema(resultsBody(resultItem, resultItem), 'input'),
    examples: {
      one: { transactionId, resultId },
      several: [{ transactionId, resultId: null }, { transactionId: '11111111-2222-4333-8444-666666666666' }],
      named: { transactions: [{ transactionId }] },
    },
    maxBytes: 1_024 * 1_024,
  },
  answers: {
    200: {
      description: 'Something was taken, or was known before.',
      content: json({
        schema: jsonSchema(resultsAnswer, 'output'),
        examples: {
          one: {
            accepted: 1,
            alreadyKnown: 0,
            rejected: 0,
            workersTold: true,
            answers: [{ item: 1, answer: 'accepted' }],
          },
        },
      }),
    },
  },
  problems: { database_unavailable: true, request_invalid: { status: 422, with: jsonSchema(resultsAnswer, 'output') } },
} as const satisfies Operation;
