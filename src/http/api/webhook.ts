import { documentedEvent } from '../../id-scan/events.ts';
import { jsonSchema, type Operation } from './operation.ts';

export const webhookPath = '/webhooks/id-scan';

export const takeEvent = {
  id: 'takeEvent',
  method: 'post',
  path: webhookPath,
  summary: 'Takes an event of the vendor',
  description:
    'For the vendor, which sends the shared secret in a header that it was registered with (`WEBHOOK_SECRET_HEADER`; the default is shown). Only there where `WEBHOOK_SECRET` is set. Events of other types than the documented one are noted. What an event says is fetched, not believed. Repeated events have no effect.',
  means: 'secret',
  roles: [],
  body: {
    schema: jsonSchema(documentedEvent, 'input'),
    examples: {
      completed: {
        id: 'event-1',
        type: 'transaction.state.updated',
        created: '2026-10-05T12:00:00+00:00',
        transaction: {
          id: '11111111-2222-4333-8444-555555555555',
          state: 'completed',
          resultId: '99999999-2222-4333-8444-555555555555',
        },
      },
    },
    maxBytes: 64 * 1_024,
  },
  answers: { 204: { description: 'What it asks for is committed.' } },
  problems: { database_unavailable: true },
} as const satisfies Operation;
