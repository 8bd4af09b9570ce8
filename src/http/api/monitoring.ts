import { z } from 'zod';
import { json, jsonSchema, type Operation } from './operation.ts';

const check = z.enum(['ok', 'failed', 'left_out']);
const checks = z.object({ postgres: check, migrations: check, redis: check });
const warnings = z.array(z.string()).optional();

export const healthAnswer = z.object({ status: z.literal('ok') });
export const readyAnswer = z.object({ status: z.literal('ready'), checks, warnings });
/** What the problem has besides where something failed. */
const notReady = z.object({ checks, warnings });

export const health = {
  id: 'health',
  method: 'get',
  path: '/healthz',
  summary: 'Says that the process runs',
  means: 'none',
  roles: [],
  answers: {
    200: {
      description: 'It runs.',
      content: json({ schema: jsonSchema(healthAnswer, 'output'), examples: { runs: { status: 'ok' } } }),
    },
  },
} as const satisfies Operation;

export const readiness = {
  id: 'readiness',
  method: 'get',
  path: '/readyz',
  summary: 'Says whether what it depends on responds',
  description: 'Open to everybody with `HTTP_READYZ_OPEN`.',
  means: 'bearer or session',
  roles: ['operator', 'metrics'],
  parameters: [
    {
      name: 'without',
      in: 'query',
      description: '`redis`: it is left out. Intake does without it.',
      schema: { type: 'string', enum: ['redis'] },
      example: 'redis',
    },
  ],
  answers: {
    200: {
      description: 'It can work.',
      content: json({
        schema: jsonSchema(readyAnswer, 'output'),
        examples: { ready: { status: 'ready', checks: { postgres: 'ok', migrations: 'ok', redis: 'left_out' } } },
      }),
    },
  },
  problems: { service_unavailable: { with: jsonSchema(notReady, 'output') } },
} as const satisfies Operation;

export const metrics = {
  id: 'metrics',
  method: 'get',
  path: '/metrics',
  summary: 'Figures for monitoring, in the text format of Prometheus',
  description: 'Without Postgres those of the process alone, and `idscan_books_readable` is 0.',
  means: 'bearer or session',
  roles: ['operator', 'metrics'],
  answers: {
    200: { description: 'The figures.', content: { 'text/plain': { schema: { type: 'string' } } } },
  },
} as const satisfies Operation;
