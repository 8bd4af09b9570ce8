import { composeVendor } from '../compose/vendor.ts';
import type { ServiceConfig, VendorKey } from '../config/config.ts';
import { errorTable } from '../error-table.ts';
import { errorCode, LedgerError } from '../errors.ts';
import { webhookPath } from '../http/api/webhook.ts';
import { knownEvents } from '../id-scan/events.ts';
import { remark, say } from './output.ts';
import { type CommandInput, type ExitCode, usageError } from './run.ts';

export type RegisterArguments = { readonly url: string | undefined; readonly events: string | undefined };

/** `webhooks register [--url …] [--events …]` */
export async function registerWebhook(
  args: RegisterArguments,
  input: CommandInput & { readonly service: ServiceConfig; readonly vendorKey: VendorKey | undefined },
): Promise<ExitCode> {
  const { vendorKey } = input;
  if (!vendorKey) throw new LedgerError('config_invalid', 'The vendor key is not set.');
  const { header, secrets } = input.service.webhook;
  const [secret] = secrets;
  if (secret === undefined)
    throw new LedgerError('config_invalid', 'WEBHOOK_SECRET is not set: events could not be told from forgeries.', {
      hint: 'Make one with: openssl rand -hex 32   and give the same one to serve.',
    });
  const url = addressFrom(args.url, input.service.publicUrl);
  const events = args.events?.split(',').map((one) => one.trim()) ?? [...knownEvents];
  if (events.some((one) => !/^[\w.-]{1,100}$/.test(one))) throw usageError('--events takes names, comma-separated.');
  const { context: vendor, close } = await composeVendor(input.config, vendorKey);
  try {
    const { webhookId } = await vendor.registerWebhook({ url, events, headers: { [header]: secret } });
    say(
      `Registered${webhookId === null ? '' : ` as ${webhookId}`}: ${events.join(', ')} to ${url.origin}${url.pathname}`,
    );
    if (url.pathname !== webhookPath) remark(`This service takes events at ${webhookPath}: does something rewrite it?`);
    return 0;
  } catch (error) {
    if (errorTable[errorCode(error)].job === 'retry')
      remark('It may have been registered all the same. Twice does no harm: an event counts once.');
    throw error;
  } finally {
    await close();
  }
}

function addressFrom(given: string | undefined, publicUrl: URL | undefined): URL {
  const text = given ?? (publicUrl && new URL(webhookPath, publicUrl).href);
  if (text === undefined) throw usageError('Where to? Give --url https://…/webhooks/id-scan, or set HTTP_PUBLIC_URL.');
  const url = URL.parse(text);
  if (url?.protocol !== 'https:' || url.username !== '' || url.password !== '' || url.hash !== '')
    throw usageError('--url must be an https URL without credentials and fragment: the vendor takes no other.');
  return url;
}
