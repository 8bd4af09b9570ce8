import { z } from 'zod';
import {
  type FieldForm,
  referencePattern,
  requestForms,
  scanForms,
  settingPattern,
  type TaskSet,
  taskSets,
} from '../../domain/transaction-request.ts';
import { idempotencyKeyPattern } from '../../jobs/intake/create-transaction.ts';
import { json, type JsonSchema, jsonSchema, type Operation } from './operation.ts';

const text: JsonSchema = { type: 'string', pattern: settingPattern.source };

/** What is checked of a field, as a schema. */
function schemaOf(form: FieldForm): JsonSchema {
  if (typeof form === 'object') return { type: 'integer', minimum: form.min, maximum: form.max };
  switch (form) {
    case 'text':
      return text;
    case 'texts':
      return { type: 'array', items: text };
    case 'yes or no':
      return { type: 'boolean' };
    case 'anything':
      return { not: { type: 'null' } };
    default:
      return form satisfies never;
  }
}

/** The documented order, so that clients made from it name sets that there are; any order is accepted. */
const schemaOfSet = (tasks: TaskSet): JsonSchema => ({
  type: 'array',
  prefixItems: tasks.map((task) => ({ const: task })),
  minItems: tasks.length,
  maxItems: tasks.length,
});

const schemasOf = (forms: Readonly<Record<string, FieldForm>>) =>
  Object.fromEntries(Object.entries(forms).map(([name, form]) => [name, schemaOf(form)]));

const request: JsonSchema = {
  type: 'object',
  required: ['tasks'],
  properties: {
    tasks: { oneOf: taskSets.map(schemaOfSet) },
    settings: {
      type: 'object',
      properties: { documentScan: { type: 'object', properties: schemasOf(scanForms) } },
    },
    ...schemasOf(requestForms),
    reference: {
      type: ['string', 'null'],
      pattern: referencePattern.source,
      description: 'Whom the cost is charged on to: a cost centre, product or customer group. No personal data.',
    },
    browserOrigin: {
      type: ['string', 'null'],
      description:
        'The site whose page will show the transaction: one of BROWSER_ORIGINS. Not needed where there is only one.',
    },
  },
};

export const creationAnswer = z.object({
  transactionId: z.string(),
  url: z.string().meta({ description: 'For the person who is verified alone: whoever has it can perform the tasks.' }),
  expires: z.iso.datetime().nullable(),
  unknownSettings: z
    .array(z.string())
    .meta({ description: 'Settings that the vendor does not document. They were passed on.' }),
  browserToken: z.string().nullable().meta({
    description: 'For the page that shows the transaction. `null`: no site may report, or it is not plain which one.',
  }),
  browserTokenExpires: z.iso.datetime().nullable(),
});

const created = {
  transactionId: '11111111-2222-4333-8444-555555555555',
  url: 'https://idscan.example/frame/TOKEN',
  expires: '2026-10-01T12:00:00.000Z',
  unknownSettings: [],
  browserToken: null,
  browserTokenExpires: null,
};
const content = json({ schema: jsonSchema(creationAnswer, 'output'), examples: { created } });

export const createTransaction = {
  id: 'createTransaction',
  method: 'post',
  path: '/api/transactions',
  summary: 'Has the vendor create a transaction, and keeps its books from its birth',
  description:
    'The intention is committed, the vendor is asked once, and its answer is committed. Where no answer came (504), the transaction may exist, so nothing asks again: it is listed as possibly created. While the first request with a key is running, the same key gets 409 (`creation_under_way`): repeat it. What the vendor refused was not created, and may be asked for again with the same key. Settings that the vendor does not document are passed on.',
  means: 'bearer',
  roles: ['intake'],
  parameters: [
    {
      name: 'Idempotency-Key',
      in: 'header',
      description:
        'The same key with the same request gets the same transaction, however often it is sent. Keys are those of the token: another token’s have nothing to do with them.',
      schema: { type: 'string', pattern: idempotencyKeyPattern.source },
      example: 'order-1',
    },
  ],
  body: {
    schema: request,
    examples: {
      scan: { tasks: ['document_scan'] },
      whole: {
        tasks: ['document_scan', 'face_liveness', 'face_match'],
        settings: { documentScan: { level: 'advanced', minimumAge: 18 } },
        locale: 'nl',
        expiresIn: 7_200,
        reference: 'cost-centre-7',
      },
    },
    maxBytes: 64 * 1_024,
  },
  answers: {
    201: { description: 'It was created.', content },
    200: { description: 'It was created before, with the same key.', content },
  },
  problems: {
    creation_under_way: true,
    creation_without_address: true,
    creation_expired: true,
    creation_resolved: true,
    idempotency_key_reused: true,
    not_configured: true,
    creation_unanswered: true,
    vendor_rejected: true,
    vendor_unauthorized: true,
    vendor_forbidden: true,
    vendor_not_found: true,
    vendor_gone: true,
    vendor_unreachable: true,
    vendor_rate_limited: true,
    database_unavailable: true,
    database_forbidden: true,
    database_misconfigured: true,
  },
} as const satisfies Operation;
