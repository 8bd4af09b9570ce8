import { z } from 'zod';
import { jsonSchema, type Operation } from './operation.ts';

const mostIgnored = 1_000_000;

/** What a page says of the transaction that it shows. */
export const browserReport = z.object({
  token: z.string().meta({ description: 'The `browserToken` that came with the transaction.' }),
  event: z
    .enum(['opened', 'completed', 'left'])
    .meta({ description: 'The frame is shown; the vendor’s page said that it is done; the page is being left.' }),
  transactionId: z.string().nullish().meta({ description: 'As the vendor’s page said; it must be that of the token.' }),
  resultId: z.string().nullish().meta({ description: 'As the vendor’s page said, with `completed`.' }),
  ignored: z.int().min(0).max(mostIgnored).default(0).meta({ description: 'Messages of others that were ignored.' }),
});

export const reportFromBrowser = {
  id: 'reportFromBrowser',
  method: 'post',
  path: '/api/browser-results',
  summary: 'Takes what a page of another site says of the transaction that it shows',
  description:
    'Sent by embed.js; only there where `BROWSER_ORIGINS` is set. The token is in the body, because a page that is being left can send no header. What a page says is fetched, not believed. Repeated reports have no effect.',
  means: 'site',
  roles: [],
  body: {
    schema: jsonSchema(browserReport, 'input'),
    examples: {
      completed: { token: 'eyJ…', event: 'completed', resultId: '99999999-2222-4333-8444-555555555555' },
      left: { token: 'eyJ…', event: 'left' },
    },
    maxBytes: 4 * 1_024,
  },
  answers: { 204: { description: 'It is committed.' } },
  problems: {
    browser_token_invalid: true,
    browser_token_expired: true,
    browser_token_used: true,
    browser_transaction_foreign: true,
    too_many_requests: true,
    database_unavailable: true,
  },
} as const satisfies Operation;
