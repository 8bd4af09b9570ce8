import { undocumentedCodes } from '../billing-table.ts';
import type { TaskType } from '../transaction.ts';
import type { Cost, Costs } from './costs.ts';
import { isScanned, nextFace, type Played, scanCodes } from './stage.ts';

const taskNames: Readonly<Record<TaskType, string>> = {
  document_scan: 'Document scan',
  face_liveness: 'Liveness check',
  face_match: 'Face match',
};

/** The page in the iframe: what a person would do there with a camera is done here with buttons. */
export function framePage({ transaction, isAbandoned }: Played, costs: Costs, nowMs: number): string {
  const { id, resultId, expiresMs } = transaction;
  const isOpen = resultId === null && !isAbandoned && nowMs < expiresMs;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Identity verification (simulated)</title>
<link rel="stylesheet" href="/frame/frame.css">
${resultId === null ? '' : `<script type="module" src="/frame/frame.js" data-transaction="${id}" data-result="${resultId}"></script>`}
</head>
<body>
<header><p class="vendor">Simulated vendor</p><h1>Identity verification</h1></header>
<main>
${steps({ transaction, isAbandoned })}
${isOpen ? moves({ transaction, isAbandoned }) : ended({ transaction, isAbandoned })}
${costTable(costs)}
</main>
<footer>Transaction <code>${id}</code>, until ${timeOf(expiresMs)}. All of it is made up: no camera, no data.</footer>
</body>
</html>
`;
}

function steps({ transaction }: Played): string {
  const scan = { name: taskNames.document_scan, isDone: isScanned(transaction) };
  const faces = transaction.faces.map(({ type, executedMs }) => ({
    name: taskNames[type],
    isDone: executedMs !== null,
  }));
  const all = [scan, ...faces];
  const current = all.find(({ isDone }) => !isDone);
  const items = all.map((step) => {
    const state = step.isDone ? 'done' : step === current ? 'now' : 'later';
    const said = { done: 'done', now: 'next', later: 'later' }[state];
    return `<li class="${state}"${step === current ? ' aria-current="step"' : ''}><span>${step.name}</span> <small>${said}</small></li>`;
  });
  return `<ol class="steps">${items.join('')}</ol>`;
}

function moves({ transaction }: Played): string {
  const face = nextFace(transaction);
  const action = `/frame/${transaction.id}`;
  const form = (content: string) => `<form method="post" action="${action}">${content}</form>`;
  const button = (move: string, text: string, kind = '') =>
    `<button name="move" value="${move}"${kind === '' ? '' : ` class="${kind}"`}>${text}</button>`;
  const task = isScanned(transaction)
    ? form(button('face', face ? `Do the ${taskNames[face.type].toLowerCase()}` : '', 'main'))
    : form(button('scan', 'Scan the document: it is read', 'main')) +
      form(
        `<label for="code">or let the scan fail</label>
<div class="row"><select id="code" name="code">${options()}</select>${button('scan', 'Fail')}</div>`,
      );
  return `<section class="moves" aria-label="What the person does">
${task}
<div class="row ends">${form(button('complete', 'Complete every task'))}${form(button('abandon', 'Abandon', 'quiet'))}</div>
</section>`;
}

function options(): string {
  const documented = scanCodes.filter((code) => !undocumentedCodes.includes(code));
  const list = (codes: readonly string[]) => codes.map((code) => `<option>${code}</option>`).join('');
  return `<optgroup label="documented">${list(documented)}</optgroup><optgroup label="undocumented">${list(undocumentedCodes)}</optgroup>`;
}

function ended({ transaction: { resultId }, isAbandoned }: Played): string {
  if (resultId !== null)
    return `<p class="end good"><strong>Every task is done.</strong> The page around this was told the result <code>${resultId}</code>.</p>`;
  return isAbandoned
    ? '<p class="end"><strong>Abandoned.</strong> There will be no result, and nobody is told. What was charged stays charged; it is found once the transaction has expired.</p>'
    : '<p class="end"><strong>Expired.</strong> There will be no result.</p>';
}

function costTable({ attempts, total }: Costs): string {
  if (attempts.length === 0) return '<section class="costs"><h2>What this costs</h2><p>Nothing so far.</p></section>';
  const rows = attempts.map(
    (cost) =>
      `<tr><td>${taskNames[cost.taskType]}<br><code>${breakable(cost.code ?? 'success')}</code></td><td>${chargedWords(cost)}</td><td class="number">${cost.price ?? (cost.invoiced === false ? '0' : '?')}</td></tr>`,
  );
  return `<section class="costs"><h2>What this costs</h2>
<table>
<thead><tr><th scope="col">Attempt</th><th scope="col" class="charged">Charged</th><th scope="col" class="number">Price</th></tr></thead>
<tbody>${rows.join('')}</tbody>
${total === null ? '' : `<tfoot><tr><th scope="row" colspan="2">So far</th><td class="number">${total}</td></tr></tfoot>`}
</table></section>`;
}

/** Long codes may be broken at their underscores. */
const breakable = (code: string): string => code.replaceAll('_', '_<wbr>');

function chargedWords({ invoiced }: Cost): string {
  if (invoiced === null) return '<span class="tag unknown">not known</span>';
  return invoiced ? '<span class="tag yes">yes</span>' : '<span class="tag no">no</span>';
}

const timeOf = (ms: number): string => `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
