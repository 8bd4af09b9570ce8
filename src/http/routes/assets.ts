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
  for (const { name, type } of assets)
    addFile(server, {
      path: `/assets/${name}`,
      file: `src/http/pages/assets/${name}`,
      headers: { 'content-type': type },
    });
}

/** `GET /embed.js`: the script that pages of other sites show a transaction with. */
export function addEmbedScript(server: FastifyInstance): void {
  addFile(server, {
    path: '/embed.js',
    file: 'src/browser/embed.js',
    // Modules are loaded with CORS, by any site: what counts is which one may report.
    headers: {
      'content-type': 'text/javascript; charset=utf-8',
      'access-control-allow-origin': '*',
      'cross-origin-resource-policy': 'cross-origin',
    },
  });
}

type ServedFile = { readonly path: string; readonly file: string; readonly headers: Readonly<Record<string, string>> };

function addFile(server: FastifyInstance, { path, file, headers }: ServedFile): void {
  void server.register(async (scope) => {
    const bytes = await readFile(packageFile(file));
    const etag = `"${createHash('sha256').update(bytes).digest('hex')}"`;
    scope.get(path, (request, reply) => {
      void reply.headers({ ...headers, etag, 'cache-control': 'no-cache' });
      if (request.headers['if-none-match'] === etag) return reply.code(304).send();
      return reply.send(bytes);
    });
  });
}
