import { readJson } from '../json.ts';
import { LedgerError } from '../errors.ts';

/** What the vendor is asked to deliver, where to, and with which headers. The headers are the only authentication. */
export type WebhookSubscription = {
  readonly url: URL;
  readonly events: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
};
/** `webhookId` is the `id` of the response. Its form is UNKNOWN, so it may be `null`. */
export type RegisteredWebhook = { readonly webhookId: string | null };

/**
 * The documented body of POST `/webhooks`.
 *
 * @throws LedgerError `input_invalid` for a URL that the vendor does not accept: only https, no credentials, no
 * fragment.
 */
export function subscriptionBody({ url, events, headers }: WebhookSubscription): string {
  if (url.protocol !== 'https:' || url.username !== '' || url.password !== '' || url.hash !== '')
    throw new LedgerError(
      'input_invalid',
      'The vendor delivers to https URLs alone, without credentials and fragment.',
      {
        hint: 'Give the address of this service as the vendor reaches it: https://…/webhooks/id-scan',
      },
    );
  return JSON.stringify({ url: url.href, events, headers });
}

/** Accepts any body, because its form is UNKNOWN. An ID that is not a short visible text is read as none. */
export function readRegistration(body: Uint8Array): RegisteredWebhook {
  const read = body.byteLength === 0 ? {} : readJson(body);
  const value = 'value' in read ? read.value : null;
  const id = typeof value === 'object' && value !== null && 'id' in value ? value.id : null;
  const text = typeof id === 'number' ? String(id) : id;
  return { webhookId: typeof text === 'string' && /^[!-~]{1,128}$/.test(text) ? text : null };
}
