import type { TaskType } from '../../domain/facts.ts';
import { normalised } from '../values/cells.ts';
import type { InvoiceField, RowKind, UsageField } from './layout.ts';

/** What headers are called in English and Dutch. The first field that fits has the column. */
const headers: readonly (readonly [InvoiceField | UsageField, RegExp])[] = [
  ['transaction_id', /^trans(action|actie) ?-?(id|nummer|number)?$/],
  ['attempted_at', /^(attempted at|timestamp|tijdstip|datum ?tijd|date ?time|created( at)?|tijd|time)$/],
  ['attempt', /^(attempt|poging)$/],
  ['outcome_code', /^(outcome|result|error|uitkomst|resultaat|fout)? ?-?code$|^(outcome|uitkomst)$/],
  ['invoice_number', /^(invoice|factuur) ?-?(number|nummer|no\.?|nr\.?|id)$/],
  ['issue_date', /^(invoice|factuur|issue) ?-?(date|datum)$|^(date|datum)$/],
  ['currency', /^(currency|valuta|munt(eenheid)?)$/],
  ['period', /^(period|periode|month|maand)$/],
  ['line', /^(line|regel|pos\.?|positie|#|nr\.?|no\.?)( ?-?(number|nummer|no\.?|nr\.?))?$/],
  ['kind', /^(kind|soort)$/],
  ['task_type', /^task( type)?$|^taak(type)?$/],
  ['description', /^(description|omschrijving|product|artikel|item|service|dienst)$/],
  ['level', /^(level|niveau)$/],
  ['quantity', /^(quantity|qty\.?|aantal|hoeveelheid|units|eenheden|volume|count)$/],
  ['unit_price', /^(unit ?price|price( per unit)?|prijs( per (stuk|eenheid))?|stuksprijs|eenheidsprijs|tarief|rate)$/],
  ['amount', /^((net|line|netto|regel) ?)?(amount|total|bedrag|totaal)( ?\(?excl\.?.*)?$/],
];

/** The field that a header's word is for; a plain name with underscores is one, too. */
export function fieldOf(header: string): InvoiceField | UsageField | undefined {
  const word = normalised(header)
    .toLowerCase()
    .replaceAll('_', ' ')
    .replace(/ ?\((eur|€|usd|gbp)\)$| ?(in )?(eur|€)$/, '');
  return headers.find(([, pattern]) => pattern.test(word))?.[0];
}

const kinds: readonly (readonly [RowKind, RegExp])[] = [
  ['net', /\bsub-?(totaal|total)\b|\b(totaal|total)\b.*\bexcl/],
  ['total', /\b(totaal|total)\b|\bte betalen\b|\bamount due\b/],
  ['tax', /\b(btw|vat|tax|omzetbelasting)\b/],
  ['minimum', /\bminimum/],
  ['discount', /korting|discount|rebate/],
  ['credit', /credit/],
];
const tasks: readonly (readonly [TaskType, RegExp])[] = [
  ['document_scan', /document ?-?scan|\bid ?-?scan/],
  ['face_liveness', /liveness|levendheid/],
  ['face_match', /face ?-?match|gezichts?-? ?(match|vergelijking)|selfie ?-?match/],
];
const fees = /kosten|\bfees?\b|abonnement|subscription|set-?up|licen[cs]/;
const levels = /\b(basic|standard|standaard|advanced|premium)\b/;

/** What a description seems to be about; `?` where no word tells. */
export function guessOf(description: string): {
  readonly kind: RowKind | '?';
  readonly task_type?: TaskType;
  readonly level?: string;
} {
  const text = normalised(description).toLowerCase();
  const kind = kinds.find(([, pattern]) => pattern.test(text))?.[0];
  if (kind !== undefined) return { kind };
  const task = tasks.find(([, pattern]) => pattern.test(text))?.[0];
  if (task === undefined) return { kind: fees.test(text) ? 'fee' : '?' };
  const [level] = levels.exec(text) ?? [];
  return level === undefined ? { kind: 'usage', task_type: task } : { kind: 'usage', task_type: task, level };
}
