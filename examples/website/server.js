/**
 * A small shop that has the age of its customers checked. It is somebody else's program: all it knows of the ledger is an
 * address and a token of the role `intake`. README.md says how to run it.
 */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {object} Settings
 * @property {string} ledger the ledger's address, for this server and for browsers.
 * @property {string} intakeToken a token of the role `intake`. It stays on this server.
 * @property {string} origin where customers see this shop.
 *
 * @typedef {object} Verification
 * @property {string} transactionId
 * @property {string} url
 * @property {string} browserToken
 */

/** @type {Readonly<Record<string, { file: URL, type: string }>>} */
const files = {
  '/shop.css': { file: new URL('public/shop.css', import.meta.url), type: 'text/css; charset=utf-8' },
  '/shop.js': { file: new URL('public/shop.js', import.meta.url), type: 'text/javascript; charset=utf-8' },
  // In a project of its own: new URL(import.meta.resolve('idscan-ledger/embed.js')).
  '/embed.js': {
    file: new URL('../../src/browser/embed.js', import.meta.url),
    type: 'text/javascript; charset=utf-8',
  },
};

/**
 * @param {Settings} settings they are read with each request.
 * @returns {import('node:http').Server}
 */
export function createShop(settings) {
  /** A real shop has a database. @type {Map<string, Verification>} */
  const orders = new Map();
  return createServer((request, response) => {
    answer(settings, orders, request, response).catch((/** @type {unknown} */ error) => {
      console.error(error instanceof Error ? error.message : error);
      if (!response.headersSent) response.writeHead(502, { 'content-type': 'text/plain' });
      response.end('The verification cannot be begun. Please try again later.\n');
    });
  });
}

/**
 * @param {Settings} settings
 * @param {Map<string, Verification>} orders
 * @param {import('node:http').IncomingMessage} request
 * @param {import('node:http').ServerResponse} response
 */
async function answer(settings, orders, request, response) {
  const { method = 'GET', url = '/' } = request;
  const file = files[url];
  const order = orders.get(url.slice('/orders/'.length));
  if (method === 'GET' && file) response.writeHead(200, { 'content-type': file.type }).end(await readFile(file.file));
  else if (url === '/favicon.ico') response.writeHead(204).end();
  else if (method === 'GET' && url === '/') sendPage(response, 200, settings, null, shopPage());
  else if (method === 'POST' && url === '/orders') {
    // A customer who presses the button twice makes two orders. A real shop has its own order's ID here.
    const id = randomUUID();
    orders.set(id, await beginVerification(settings, id));
    response.writeHead(303, { location: `/orders/${id}` }).end();
  } else if (method === 'GET' && order) sendPage(response, 200, settings, order, orderPage(settings, order));
  else sendPage(response, 404, settings, null, '<h1>There is nothing here</h1><p><a href="/">To the shop</a></p>');
}

/**
 * Has the ledger create a transaction. It asks the vendor once; the key makes it harmless to ask the ledger again.
 *
 * @param {Settings} settings
 * @param {string} orderId
 * @returns {Promise<Verification>}
 */
async function beginVerification({ ledger, intakeToken, origin }, orderId) {
  const answered = await fetch(`${ledger}/api/transactions`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${intakeToken}`,
      'content-type': 'application/json',
      'idempotency-key': orderId,
    },
    body: JSON.stringify({
      tasks: ['document_scan', 'face_liveness'],
      reference: 'shop',
      browserOrigin: origin,
    }),
    signal: AbortSignal.timeout(40_000),
  });
  const said = /** @type {Record<'transactionId' | 'url', string> & { browserToken: string | null, code?: string }} */ (
    await answered.json()
  );
  if (!answered.ok) throw new Error(`The ledger answered ${answered.status}: ${said.code ?? 'no code'}`);
  const { browserToken } = said;
  if (browserToken === null) throw new Error(`Pages of ${origin} may not report: see BROWSER_ORIGINS of the ledger`);
  return { ...said, browserToken };
}

const shopPage = () => `<h1>Very old cheese</h1>
<p>Matured for eighteen years, and sold to those who are no younger.</p>
<form method="post" action="/orders"><button>Order, and prove your age</button></form>`;

/**
 * @param {Settings} settings
 * @param {Verification} order
 */
const orderPage = ({ ledger }, { transactionId, url, browserToken }) => `<h1>How old are you?</h1>
<p id="outcome" role="status">Show an identity document, then your face.</p>
<div id="verification" data-url="${escaped(url)}" data-transaction="${escaped(transactionId)}"
  data-token="${escaped(browserToken)}" data-ledger="${escaped(ledger)}"></div>
<script type="module" src="/shop.js"></script>`;

/**
 * Strict: scripts and styles of this site alone, nothing inline, frames of the vendor alone, requests to the ledger alone.
 *
 * @param {import('node:http').ServerResponse} response
 * @param {number} status
 * @param {Settings} settings
 * @param {Verification | null} order
 * @param {string} content
 */
function sendPage(response, status, { ledger }, order, content) {
  const frames = order ? `frame-src ${new URL(order.url).origin}; connect-src ${new URL(ledger).origin}; ` : '';
  response
    .writeHead(status, {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy':
        `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; ${frames}form-action 'self'; base-uri 'none'; ` +
        "frame-ancestors 'none'; require-trusted-types-for 'script'",
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    })
    .end(
      `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>The cheese shop</title><link rel="stylesheet" href="/shop.css"></head><body><main>${content}</main></body></html>\n`,
    );
}

/** @param {string} text */
const escaped = (text) =>
  text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** @param {string} name */
function setting(name) {
  const value = process.env[name];
  if (value !== undefined && value !== '') return value;
  console.error(`${name} is not set. examples/website/README.md says what it is.`);
  process.exit(2);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const port = Number(process.env['PORT'] ?? '8090');
  const origin = process.env['SHOP_ORIGIN'] ?? `http://127.0.0.1:${port}`;
  const settings = { ledger: setting('LEDGER_URL').replace(/\/$/, ''), intakeToken: setting('LEDGER_TOKEN'), origin };
  createShop(settings).listen(port, '127.0.0.1', () => console.log(`The shop is at ${origin}`));
}
