/** Markup that is safe to send. Only {@link html} makes it. */
export type Html = { readonly markup: string };

/** What may be inserted into markup. `null` and `undefined` insert nothing. */
export type Part = string | number | bigint | Html | readonly Html[] | null | undefined;

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character] ?? character);

/**
 * Builds markup. Inserted values are escaped unless they are markup. Attributes are always in double quotes.
 *
 * @example html`<p title="${name}">${parts}</p>`
 */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return { markup: strings.reduce((all, text, index) => all + written(parts[index - 1]) + text) };
}

function written(part: Part): string {
  if (part === null || part === undefined) return '';
  if (typeof part === 'string') return escape(part);
  if (typeof part === 'number' || typeof part === 'bigint') return String(part);
  return 'markup' in part ? part.markup : part.map(({ markup }) => markup).join('');
}
