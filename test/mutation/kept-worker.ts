import { ForksPoolWorker, type PoolOptions, type PoolWorker, type WorkerRequest } from 'vitest/node';

type Listener = (...args: unknown[]) => void;

/** The process of the last run, while it may be used again. */
let kept: ForksPoolWorker | undefined;

/**
 * A process that outlives the run of one mutant: all mutants are in the code, and a variable says which of them is
 * active. A process for each would take most of the time. Modules are loaded anew for every file: fresh-modules.ts.
 */
export class KeptWorker implements PoolWorker {
  readonly name = 'kept';
  readonly cacheFs = true;
  readonly #options: PoolOptions;
  readonly #listeners: { readonly event: string; readonly listener: Listener }[] = [];
  readonly #mayBeKept: boolean;
  #worker: ForksPoolWorker | undefined;
  #isStopping = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    // Not that of the first run, which counts what it covers.
    this.#mayBeKept = (options.project.getProvidedContext() as { mode?: string }).mode === 'mutant';
  }

  get #process(): ForksPoolWorker {
    if (!this.#worker) throw new Error('The process is not started.');
    return this.#worker;
  }

  async start(): Promise<void> {
    const last = kept;
    kept = undefined;
    if (last && this.#mayBeKept) {
      this.#worker = last;
      return;
    }
    await last?.stop();
    this.#worker = new ForksPoolWorker(this.#options);
    await this.#worker.start();
  }

  /** A request to stop is answered here where the process is to go on. */
  send(request: WorkerRequest): void {
    if (request.type !== 'stop' || !this.#mayBeKept) {
      this.#process.send(request);
      return;
    }
    this.#isStopping = true;
    for (const { event, listener } of [...this.#listeners])
      if (event === 'message') listener({ type: 'stopped', __vitest_worker_response__: true });
  }

  async stop(): Promise<void> {
    for (const { event, listener } of this.#listeners.splice(0)) this.#process.off(event, listener);
    // Without a request the run was broken off.
    if (this.#isStopping) kept = this.#process;
    else await this.#process.stop();
  }

  on(event: string, listener: Listener): void {
    this.#listeners.push({ event, listener });
    this.#process.on(event, listener);
  }

  off(event: string, listener: Listener): void {
    const place = this.#listeners.findIndex((known) => known.event === event && known.listener === listener);
    if (place >= 0) this.#listeners.splice(place, 1);
    this.#process.off(event, listener);
  }

  deserialize(data: unknown): unknown {
    return data;
  }
}
