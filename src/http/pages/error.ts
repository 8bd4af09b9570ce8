import type { Principal } from '../context.ts';
import { html } from './html.ts';
import { page } from './layout.ts';

/** An error, as people see it. */
type ShownError = {
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly hint?: string;
  readonly requestId: string;
};

/** The page for an error. */
export function errorPage(principal: Principal | null, { title, detail, hint, status, requestId }: ShownError): string {
  return page({
    title,
    principal,
    isNarrow: true,
    body: html`<p class="lead">${detail}</p>
      ${hint === undefined ? null : html`<p>${hint}</p>`}
      <p><a class="button" href="/">To the start</a></p>
      <p class="faint">Error ${status}, request <span class="id">${requestId}</span></p>`,
  });
}
