import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { packageFile } from '../../package-file.ts';
import { costsOf } from './costs.ts';
import { framePage } from './page.ts';
import type { Move, Stage } from './stage.ts';

export const frameFolder = '/frame/';

const files: Readonly<Record<string, string>> = {
  'frame.css': 'text/css; charset=utf-8',
  'frame.js': 'text/javascript; charset=utf-8',
};
const maxFormBytes = 4_096;

/** Any page may show it, as the vendor's. It loads nothing from elsewhere, and runs nothing that is written into it. */
const headers = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; form-action 'self'; base-uri 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

type FrameSetup = { readonly stage: Stage; readonly priceList: string | null };

/** Serves the page in the iframe at `/frame/<transaction>`, and takes what is done there. It asks for no token. */
export async function serveFrame(
  { stage, priceList }: FrameSetup,
  request: IncomingMessage,
  response: ServerResponse,
  nowMs: number,
): Promise<void> {
  const [path = ''] = (request.url ?? '').split('?', 1);
  const name = path.slice(frameFolder.length);
  const send = (status: number, more: Record<string, string>, body: string | Buffer = '') =>
    response.writeHead(status, { ...headers, ...more }).end(body);
  const type = files[name];
  const played = stage.find(name);
  if (request.method === 'GET' && type !== undefined)
    send(200, { 'content-type': type }, await readFile(packageFile(`src/simulator/frame/${name}`)));
  else if (!played) send(404, { 'content-type': 'text/plain' }, 'There is no such transaction.\n');
  else if (request.method === 'GET') {
    const page = framePage(played, costsOf(played.transaction, priceList, nowMs), nowMs);
    send(200, { 'content-type': 'text/html; charset=utf-8' }, page);
  } else if (request.method === 'POST') {
    const move = moveIn(await formIn(request));
    const mistake = move === null ? 'There is no such move.' : stage.play(name, move, nowMs);
    if (mistake === null) send(303, { location: `${frameFolder}${name}` });
    else send(409, { 'content-type': 'text/plain' }, `${mistake}\n`);
  } else send(405, { allow: 'GET, POST' });
}

async function formIn(request: IncomingMessage): Promise<URLSearchParams> {
  let text = '';
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > maxFormBytes) return new URLSearchParams();
  }
  return new URLSearchParams(text);
}

function moveIn(form: URLSearchParams): Move | null {
  const move = form.get('move');
  switch (move) {
    case 'scan':
      return { move, code: form.get('code') };
    case 'face':
    case 'complete':
    case 'abandon':
      return { move };
    case null:
    default:
      return null;
  }
}
