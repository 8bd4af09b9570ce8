import type { FastifyReply, FastifyRequest } from 'fastify';

export const sendPage = (reply: FastifyReply, markup: string): void =>
  void reply.type('text/html; charset=utf-8').send(markup);

/** Whether the client is a browser. */
export const acceptsHtml = ({ headers }: FastifyRequest): boolean => (headers.accept ?? '').includes('text/html');

/** Whether a response is for a person: the client is a browser and sends no token. */
export const isPerson = (request: FastifyRequest): boolean =>
  acceptsHtml(request) && request.headers.authorization === undefined;
