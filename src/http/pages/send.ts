import type { FastifyReply, FastifyRequest } from 'fastify';

export const sendPage = (reply: FastifyReply, markup: string): void =>
  void reply.type('text/html; charset=utf-8').send(markup);

/** Whether somebody looks at the answer, rather than a program. */
export const acceptsHtml = ({ headers }: FastifyRequest): boolean => (headers.accept ?? '').includes('text/html');

/** Whether an answer is for a person: somebody who looks at it, and who is no program with a token. */
export const isPerson = (request: FastifyRequest): boolean =>
  acceptsHtml(request) && request.headers.authorization === undefined;
