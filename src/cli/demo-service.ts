import { createHash, randomBytes } from 'node:crypto';
import { composeServe } from '../compose/serve.ts';
import { type Environment, loadConfig, readEnvironment, type VendorKey } from '../config/config.ts';
import { errorCode, LedgerError } from '../errors.ts';
import { remark, say } from './output.ts';

const usualPort = '8080';

/** The address of the demo's service, unless another program uses it. */
export const demoAddress = (): string => `http://127.0.0.1:${ownPort() ?? usualPort}`;

const ownPort = (): string | undefined => readEnvironment()['HTTP_PORT'] || undefined;

/**
 * Runs the service with workers on the demo's books until the signal. The sign-in tokens are new each time.
 *
 * @param environment the demo's own, to which the variables of the service are added.
 */
export async function serveDemo(environment: Environment, workersKey: VendorKey, signal: AbortSignal): Promise<void> {
  const newToken = () => randomBytes(18).toString('base64url');
  const tokens = { finance: newToken(), operator: newToken(), custodian: newToken() };
  const { service, address } = await listening(environment, tokens, workersKey);
  const { context: running, close } = service;
  try {
    say(
      '',
      `The service is at ${address}`,
      `  sign in as finance with    ${tokens.finance}`,
      `  sign in as operator with   ${tokens.operator}`,
      `  sign in as custodian with  ${tokens.custodian}`,
      'All of it is made up, and reachable from this machine alone. Ctrl-C ends it.',
    );
    await Promise.race([ended(signal), running.failed]);
  } finally {
    await running.stop();
    await close();
  }
}

async function listening(environment: Environment, tokens: Readonly<Record<string, string>>, workersKey: VendorKey) {
  const port = ownPort();
  for (const HTTP_PORT of port === undefined ? [usualPort, '0'] : [port]) {
    const { config, service } = loadConfig(
      {
        ...environment,
        HTTP_HOST: '127.0.0.1',
        HTTP_PORT,
        WEBHOOK_SECRET: randomBytes(24).toString('base64url'),
        HTTP_TOKENS: Object.entries(tokens)
          .map(([role, token]) => `${role}:${createHash('sha256').update(token).digest('hex')}`)
          .join(','),
      },
      { vendorKey: false, service: true },
    );
    if (!service) break;
    const composed = await composeServe(config, service, { notice: remark, workersKey });
    try {
      return { service: composed, address: await composed.context.listen() };
    } catch (error) {
      await composed.context.stop();
      await composed.close();
      if (errorCode(error) !== 'address_unavailable' || HTTP_PORT !== usualPort || port !== undefined) throw error;
    }
  }
  throw new LedgerError('internal', 'The service of the demo could not be started.');
}

const ended = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
