/**
 * Shows a transaction in an iframe, and tells the ledger what becomes of it. No dependencies, nothing inline, no eval: it
 * runs under `script-src 'self'`. docs/browser.md describes it.
 *
 * @import { Completed, EmbedOptions, Embedded, VendorEvent } from './embed.js'
 */

/** @type {Required<VendorEvent>} */
const usualEvent = {
  typeAt: 'type',
  type: 'transaction.state.updated',
  stateAt: 'transaction.state',
  completedState: 'completed',
  transactionIdAt: 'transaction.id',
  resultIdAt: 'transaction.resultId',
};

const maxMessageLength = 16_384;
const maxIdLength = 128;
/** More messages of the vendor than this within a second are not looked at. */
const messagesASecond = 50;
const answerWithinMs = 10_000;
const firstDelayMs = 500;
const longestDelayMs = 60_000;
const maxTries = 12;
const maxIgnored = 1_000_000;

/** @type {(options: EmbedOptions) => Embedded} */
export function embedTransaction(options) {
  const { container, transactionId, onCompleted } = options;
  const source = addressIn(options.url, 'url');
  const vendorOrigin = options.vendorOrigin ?? source.origin;
  if (vendorOrigin !== addressIn(vendorOrigin, 'vendorOrigin').origin)
    throw new TypeError('vendorOrigin must be an origin such as https://vendor.example.');
  const report = reporter(options);
  const iframe = iframeFor(source, options);
  const form = formOf(options);
  const isTimely = limiter(messagesASecond, 1_000);
  let isDone = false;
  let isLeft = false;

  /** @param {MessageEvent} message */
  const onMessage = (message) => {
    const isOfFrame = message.source === iframe.contentWindow;
    // After the iframe has navigated away, its window is the same and its origin is not.
    if (!isOfFrame || message.origin !== vendorOrigin) {
      if (isOfFrame || valueAt(message.data, form.typeAt) === form.type) report.ignore();
      return;
    }
    if (!isTimely()) {
      report.ignore();
      return;
    }
    const completed = isDone ? undefined : completedIn(message.data, form);
    if (completed === undefined) return;
    if (completed.transactionId !== transactionId) {
      report.ignore();
      return;
    }
    isDone = true;
    report.send('completed', completed);
    onCompleted?.(completed);
  };
  const leave = () => {
    if (!isDone && !isLeft) report.send('left');
    isLeft = true;
    report.flush();
  };
  const onPageHide = () => {
    leave();
    report.repeat();
  };
  addEventListener('message', onMessage);
  addEventListener('pagehide', onPageHide);
  iframe.addEventListener('load', () => report.send('opened'), { once: true });
  container.append(iframe);
  return {
    iframe,
    close() {
      removeEventListener('message', onMessage);
      removeEventListener('pagehide', onPageHide);
      leave();
      iframe.remove();
    },
  };
}

/** @type {(source: URL, options: EmbedOptions) => HTMLIFrameElement} */
const iframeFor = (source, { title = 'Identity verification', allow = 'camera; microphone' }) => {
  const iframe = document.createElement('iframe');
  iframe.className = 'idscan-frame';
  iframe.title = title;
  iframe.allow = allow;
  iframe.referrerPolicy = 'origin';
  iframe.src = source.href;
  return iframe;
};

/**
 * What a message says, if it says that every task is done. Whatever has another form is no such message.
 *
 * @type {(data: unknown, form: Required<VendorEvent>) => Completed | undefined}
 */
const completedIn = (data, form) => {
  const said = typeof data === 'string' ? jsonIn(data) : data;
  if (valueAt(said, form.typeAt) !== form.type || valueAt(said, form.stateAt) !== form.completedState) return undefined;
  const transactionId = valueAt(said, form.transactionIdAt);
  const resultId = valueAt(said, form.resultIdAt);
  return isId(transactionId) && isId(resultId) ? { transactionId, resultId } : undefined;
};

/**
 * What is left out or `undefined` is as usual.
 *
 * @type {(options: EmbedOptions) => Required<VendorEvent>}
 */
const formOf = ({ vendorEvent = {} }) => ({
  ...usualEvent,
  ...Object.fromEntries(
    Object.entries(vendorEvent).filter((/** @type {[string, unknown]} */ [, value]) => value !== undefined),
  ),
});

/** @param {string} text */
function jsonIn(text) {
  if (text.length > maxMessageLength) return undefined;
  try {
    return /** @type {unknown} */ (JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** @type {(value: unknown, path: string) => unknown} */
const valueAt = (value, path) =>
  path.split('.').reduce((/** @type {unknown} */ inner, name) => {
    if (typeof inner !== 'object' || inner === null || !Object.hasOwn(inner, name)) return undefined;
    return /** @type {Record<string, unknown>} */ (inner)[name];
  }, value);

/**
 * @param {unknown} value
 * @returns {value is string}
 */
const isId = (value) => typeof value === 'string' && value !== '' && value.length <= maxIdLength;

/**
 * Lets through so many within a time, and no more until that is over.
 *
 * @type {(most: number, withinMs: number) => () => boolean}
 */
const limiter = (most, withinMs) => {
  let sinceMs = -Infinity;
  let count = 0;
  return () => {
    const nowMs = performance.now();
    if (nowMs - sinceMs >= withinMs) [sinceMs, count] = [nowMs, 0];
    count += 1;
    return count <= most;
  };
};

/**
 * Sends reports to the ledger, one after the other, each until it is answered.
 *
 * @param {EmbedOptions} options
 */
function reporter({ ledger, token, transactionId, onReported }) {
  const address = new URL('api/browser-results', addressIn(ledger, 'ledger').href.replace(/\/?$/, '/')).href;
  /** @type {{ event: string, resultId?: string }[]} */
  const waiting = [];
  let ignored = 0;
  let tries = 0;
  let isSending = false;

  /** @param {{ event: string, resultId?: string }} report */
  const bodyOf = (report) => JSON.stringify({ token, transactionId, ignored, ...report });
  const next = async () => {
    const [report] = waiting;
    if (isSending || report === undefined) return;
    isSending = true;
    const outcome = await post(address, bodyOf(report));
    isSending = false;
    tries = outcome === undefined ? tries + 1 : 0;
    if (outcome === undefined && tries < maxTries) {
      setTimeout(() => void next(), delayMs(tries));
      return;
    }
    tries = 0;
    if (waiting[0] === report) waiting.shift();
    if (report.event === 'completed') onReported?.(outcome ?? 'unreachable');
    void next();
  };
  return {
    ignore: () => {
      ignored = Math.min(ignored + 1, maxIgnored);
    },
    /**
     * @param {'opened' | 'completed' | 'left'} event
     * @param {Completed} [completed]
     */
    send: (event, completed) => {
      waiting.push({ event, ...(completed ? { resultId: completed.resultId } : {}) });
      void next();
    },
    /** The page may be gone in a moment: what is waiting is sent now, and outlives it. */
    flush: () => {
      for (const report of waiting.slice(isSending ? 1 : 0)) sendAndForget(address, bodyOf(report));
    },
    /** Once more in another way: Firefox 153 drops some of the requests with `keepalive` of a tab that is closed. */
    repeat: () => {
      for (const report of waiting) navigator.sendBeacon(address, bodyOf(report));
    },
  };
}

/**
 * @param {string} address
 * @param {string} body
 * @returns {Promise<string | undefined>} `reported`, the code of a refusal, or nothing if it is worth another try.
 */
async function post(address, body) {
  try {
    const answer = await fetch(address, { ...requestOf(body), signal: AbortSignal.timeout(answerWithinMs) });
    if (answer.ok) return 'reported';
    if (answer.status >= 500 || answer.status === 429 || answer.status === 408) return undefined;
    const said = /** @type {unknown} */ (await answer.json().catch(() => undefined));
    const code = valueAt(said, 'code');
    return typeof code === 'string' ? code : 'refused';
  } catch {
    return undefined;
  }
}

/**
 * Text, because a browser sends it to another origin without asking first; `keepalive`, so that it outlives the page.
 *
 * @type {(body: string) => RequestInit}
 */
const requestOf = (body) => ({
  method: 'POST',
  body,
  headers: { 'content-type': 'text/plain;charset=utf-8' },
  mode: 'cors',
  credentials: 'omit',
  keepalive: true,
  redirect: 'error',
});

/**
 * `sendBeacon` hides the origin where a page has `Referrer-Policy: no-referrer`: it is for browsers without `keepalive`.
 *
 * @type {(address: string, body: string) => void}
 */
const sendAndForget = (address, body) => {
  if ('keepalive' in Request.prototype) fetch(address, requestOf(body)).catch(() => undefined);
  else navigator.sendBeacon(address, body);
};

/** @type {(tries: number) => number} */
const delayMs = (tries) => Math.min(longestDelayMs, firstDelayMs * 2 ** tries) * (0.5 + Math.random() / 2);

/** @type {(text: string, name: string) => URL} */
const addressIn = (text, name) => {
  try {
    const url = new URL(text);
    if (url.protocol === 'https:' || url.protocol === 'http:') return url;
  } catch {
    // It is no address at all.
  }
  throw new TypeError(`${name} must be an http or https address.`);
};
