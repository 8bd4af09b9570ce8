import { z } from 'zod';
import { jsonSchema, type Operation } from './operation.ts';

const mostIgnored = 1_000_000;

export const browserBody = z.object({
  token: z.string().meta({ description: 'The `browserToken` that came with the transaction.' }),
  event: z.enum(['opened', 'completed', 'left']),
  transactionId: z.string().nullish().meta({ description: 'If it is there, it has to be that of the token.' }),
  resultId: z.string().nullish().meta({ description: 'With `completed` alone.' }),
  ignored: z
    .int()
    .min(0)
    .max(mostIgnored)
    .default(0)
    .meta({ description: 'How many messages were none of the vendor’s.' }),
});

export const reportBrowserResult = {
  id: 'reportBrowserResult',
  method: 'post',
  path: '/api/browser-results',
  summary: 'Takes what a page of another site says of the transaction that it shows',
  description:
    'For `embed.js`, on pages of the sites in `BROWSER_ORIGINS`; without them there is no such route. What a page says is a hint: the result is fetched. It may be said again. The body may also come as `text/plain`, because a page that is being left can send no other.',
  means: 'token in the body',
  roles: [],
  parameters: [
    {
      name: 'Origin',
      in: 'header',
      description: 'The site of the page, as browsers send it: the one that the token was made for.',
      schema: { type: 'string' },
      example: 'https://shop.example',
    },
  ],
  body: {
    schema: jsonSchema(browserBody, 'input'),
    examples: {
      opened: { token: 'TOKEN', event: 'opened' },
      completed: { token: 'TOKEN', event: 'completed', resultId: '99999999-2222-4333-8444-555555555555' },
    },
    maxBytes: 4 * 1_024,
  },
  answers: { 204: { description: 'It is committed.' } },
  problems: {
    browser_origin_refused: true,
    browser_token_invalid: true,
    browser_token_expired: true,
    browser_token_used: true,
    browser_transaction_foreign: true,
    too_many_requests: true,
    database_unavailable: true,
  },
} as const satisfies Operation;
