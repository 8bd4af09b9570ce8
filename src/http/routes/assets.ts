import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { FastifyInstance } from 'fastify';
import { packageFile } from '../../package-file.ts';

const assets = [
  { name: 'style.css', type: 'text/css; charset=utf-8' },
  { name: 'icon.svg', type: 'image/svg+xml' },
] as const;

/** Files that pages need. Public, because the sign-in page needs them, too. */
export function addAssets(server: FastifyInstance): void {
  void server.register(async (scope) => {
    for (const { name, type } of assets) {
      const bytes = await readFile(packageFile(`src/http/pages/assets/${name}`));
      const etag = `"${createHash('sha256').update(bytes).digest('hex')}"`;
      scope.get(`/assets/${name}`, (request, reply) => {
        void reply.header('etag', etag).header('cache-control', 'no-cache');
        if (request.headers['if-none-match'] === etag) return reply.code(304).send();
        return reply.type(type).send(bytes);
      });
    }
  });
}
