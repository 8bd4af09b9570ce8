import { createLog } from '../compose/log.ts';
import { composeServe } from '../compose/serve.ts';
import type { ServiceConfig } from '../config/config.ts';
import { say } from './output.ts';
import { type ExitCode, onceStarted, type ServiceInput } from './run.ts';

/** `serve [--with-workers]` */
export async function serve({
  config,
  service,
  vendorKey,
  creatingKey,
  notifications,
  signal,
}: ServiceInput): Promise<ExitCode> {
  const log = createLog(config.logLevel);
  const { context: running, close } = await composeServe(config, service, {
    notice: (line) => log.info(line),
    workersKey: vendorKey,
    creatingKey,
    notifications,
  });
  try {
    if (signal.aborted) return 0;
    const address = await running.listen();
    // The log says it, too.
    if (process.stdout.isTTY) say(`Listening at ${address}`);
    for (const advice of adviceOn(service)) log.warn(advice);
    return await onceStarted(log, signal, async () => {
      await Promise.race([untilAborted(signal), running.failed]);
      return 0;
    });
  } finally {
    log.info('stopping: nothing new is taken, what runs finishes');
    await running.stop();
    await close();
  }
}

/** Lists what is switched off because a setting is missing. Logged once, because nothing fails. */
function adviceOn(service: ServiceConfig): string[] {
  const { tokens, oidc, session, isReadinessOpen, publicUrl, allowedHosts, trustedProxies } = service;
  const isNameless = publicUrl === undefined && allowedHosts.length === 0;
  return [
    ...(tokens.length === 0 && !oidc ? ['Nobody can sign in: neither HTTP_TOKENS nor OIDC_ISSUER is set.'] : []),
    ...(tokens.length > 0 && !session.key ? ['Sessions end with this process: HTTP_SESSION_KEY is not set.'] : []),
    ...(isNameless && trustedProxies.length > 0
      ? ['Requests by a name are refused: neither HTTP_PUBLIC_URL nor HTTP_ALLOWED_HOSTS is set.']
      : []),
    ...(isReadinessOpen ? ['/readyz is open to everybody.'] : []),
  ];
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
