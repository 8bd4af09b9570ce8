import type { Principal } from '../context.ts';
import type { Problem } from '../problem.ts';
import { html } from './html.ts';
import { page } from './layout.ts';

/** What went wrong, for a person. */
export function errorPage(principal: Principal | null, { title, detail, hint, status, requestId }: Problem): string {
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
