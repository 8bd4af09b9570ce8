import type { FastifyInstance } from 'fastify';
import { description } from '../api/description.ts';
import { openApiText } from '../api/document.ts';
import type { Guard } from '../access/guard.ts';
import { apiPage } from '../pages/api.ts';
import { sendPage } from '../pages/send.ts';
import { principalOf } from './reports.ts';

/** `/openapi.json`: the API for machines. `/openapi`: the same for people. */
export function addDescriptionRoutes(server: FastifyInstance, guard: Guard): void {
  const onRequest = guard(description.roles, description.means);
  const text = openApiText();
  server.get(description.path, { onRequest }, (_request, reply) => reply.type('application/json').send(text));
  server.get('/openapi', { onRequest }, (request, reply) => {
    sendPage(reply, apiPage(principalOf(request)));
    return reply;
  });
}
