import { roles } from '../../config/config.ts';
import { json, type Operation } from './operation.ts';

export const description = {
  id: 'description',
  method: 'get',
  path: '/openapi.json',
  summary: 'This description',
  means: 'bearer or session',
  roles,
  answers: { 200: { description: 'It, in OpenAPI 3.1.', content: json({ schema: { type: 'object' } }) } },
} as const satisfies Operation;
