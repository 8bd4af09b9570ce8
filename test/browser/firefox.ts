import { type ChildProcess, spawn } from 'node:child_process';
import { access } from 'node:fs/promises';
import { atEnd, createTestFolder, waitFor } from '../support/books.ts';

/**
 * Debian's Firefox, by WebDriver BiDi: it answers to that by itself. Only what the tests need: Playwright's own way asks
 * for commands that this Firefox does not have.
 */

const executablePath = process.env['FIREFOX'] ?? '/usr/bin/firefox-esr';
const startedWithinMs = 60_000;

type Answer = { readonly id?: number; readonly type: string; readonly result?: unknown; readonly message?: string };
type Tree = { readonly context: string; readonly url: string; readonly children?: readonly Tree[] | null };
type Entry = { readonly level?: string; readonly text?: string | null };

/** A tab. */
export type FirefoxPage = {
  readonly goto: (url: string) => Promise<void>;
  /** Runs a script in the tab, or in its frame whose address begins so. Policies of pages do not hold for it. */
  readonly evaluate: <T>(script: string, frame?: string) => Promise<T>;
  /** Errors of scripts, and what policies refused. */
  readonly complaints: () => readonly string[];
  /** As somebody who closes the tab. */
  readonly close: () => Promise<void>;
};

/** Starts Firefox. Fails where it is missing: these tests are never skipped. */
export async function startFirefox(): Promise<{ readonly openPage: () => Promise<FirefoxPage> }> {
  await access(executablePath).catch(() => {
    throw new Error(
      `There is no Firefox at ${executablePath}. Install it (Debian: apt-get install -y firefox-esr), or name another one in FIREFOX.`,
    );
  });
  const profile = await createTestFolder();
  const child = spawn(
    executablePath,
    ['--headless', '--no-remote', '--remote-debugging-port=0', '--profile', profile],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  atEnd(async () => {
    child.kill('SIGKILL');
    await waitFor('Firefox to end', () => child.exitCode !== null || child.signalCode !== null);
  });
  const { send, entries } = await connect(await addressOf(child));
  await send('session.new', { capabilities: {} });
  await send('session.subscribe', { events: ['log.entryAdded'] });
  return {
    openPage: async () => {
      const { context } = (await send('browsingContext.create', { type: 'tab' })) as { context: string };
      return pageIn(context, send, entries);
    },
  };
}

function pageIn(context: string, send: Send, entries: readonly Entry[]): FirefoxPage {
  const contextOf = async (frame: string): Promise<string> =>
    waitFor(`a frame at ${frame}`, async () => {
      const { contexts } = (await send('browsingContext.getTree', { root: context })) as { contexts: Tree[] };
      return contexts[0]?.children?.find(({ url }) => url.startsWith(frame))?.context;
    });
  const before = entries.length;
  return {
    goto: async (url) => {
      await send('browsingContext.navigate', { context, url, wait: 'complete' });
    },
    evaluate: async <T>(script: string, frame?: string): Promise<T> => {
      const target = { context: frame === undefined ? context : await contextOf(frame) };
      const run = { expression: `JSON.stringify(${script})`, target, awaitPromise: true };
      const said = (await send('script.evaluate', run)) as { type: string; result?: { value?: string } };
      if (said.type !== 'success') throw new Error(`Firefox could not run: ${script}`);
      return (said.result?.value === undefined ? undefined : JSON.parse(said.result.value)) as T;
    },
    complaints: () =>
      entries
        .slice(before)
        .filter(({ level }) => level === 'error')
        .map(({ text }) => text ?? ''),
    close: async () => {
      await send('browsingContext.close', { context });
    },
  };
}

const addressOf = (child: ChildProcess): Promise<string> => {
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  return waitFor('Firefox to listen', () => /BiDi listening on (ws:\S+)/.exec(said)?.[1], startedWithinMs);
};

type Send = (method: string, params: object) => Promise<unknown>;

async function connect(address: string): Promise<{ send: Send; entries: readonly Entry[] }> {
  const socket = new WebSocket(`${address}/session`);
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  const entries: Entry[] = [];
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve(), { once: true });
    socket.addEventListener('error', () => reject(new Error('Firefox does not answer.')), { once: true });
  });
  socket.addEventListener('message', ({ data }) => {
    const answer = JSON.parse(String(data)) as Answer & { method?: string; params?: Entry };
    if (answer.method === 'log.entryAdded' && answer.params) entries.push(answer.params);
    const asked = waiting.get(answer.id ?? -1);
    if (answer.type === 'success') asked?.resolve(answer.result);
    else asked?.reject(new Error(answer.message ?? 'Firefox refuses.'));
  });
  let sent = 0;
  return {
    entries,
    send: (method, params) => {
      const id = (sent += 1);
      const answered = Promise.withResolvers<unknown>();
      waiting.set(id, answered);
      socket.send(JSON.stringify({ id, method, params }));
      return answered.promise;
    },
  };
}
