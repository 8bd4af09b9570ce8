import { type Cause, counterAsBooked, levelsIn } from '../../domain/reconciliation/causes.ts';
import type { PublishedFinding } from './published-finding.ts';
import { isOfEveryAttempt, isOfRate, isOutcome, netOfInvoice } from './subjects.ts';
import type { Figures, Language } from './letter.ts';

export const dutch: Language = {
  decimalMark: ',',
  groupMark: '.',
  months: 'januari februari maart april mei juni juli augustus september oktober november december'.split(' '),
  and: 'en',
  or: 'of',
  taskTypes: { document_scan: 'Documentscan', face_liveness: 'Liveness-controle', face_match: 'Gezichtsvergelijking' },
  to: 'Aan: CM.com, facturatie',
  from: 'Van: [uw bedrijf, naam en adres]',
  subject: ({ invoices, isOneInvoice, month, expected, owedBy }) =>
    `Betreft: betwisting${owedBy === 'nobody' ? '' : ` van ${expected}`}, ${isOneInvoice ? 'factuur' : 'facturen'} ${invoices}, ID Scan, ${month}`,
  opening: ({ invoices, isOneInvoice, month, items }) => [
    'Geachte heer, mevrouw,',
    '',
    `Wij hebben uw ${isOneInvoice ? 'factuur' : 'facturen'} ${invoices} voor ID Scan in ${month} vergeleken met onze eigen administratie. Wij betwisten ${items === 1 ? 'de volgende post' : `de volgende ${items} posten`}. Alle bedragen zijn exclusief btw.`,
  ],
  units: (count, isOne) => `${count} ${isOne ? 'eenheid' : 'eenheden'}`,
  place: (invoice, line) => (invoice === '' ? `factuurregel ${line}` : `factuur ${invoice}, regel ${line}`),
  noLine: (invoice) => `geen regel op factuur ${invoice}`,
  wholeInvoice: 'Factuur',
  effect,
  cause: (cause, subject, isTooMuch) => `Reden: ${reasons[cause](subject, isTooMuch)}`,
  isOneOfSeveral: 'Dit is de waarschijnlijkste reden; de factuur sluit andere niet uit.',
  evidence: (rows, file) => `Pogingen: ${rows}, vermeld in ${file} onder het kenmerk hieronder.`,
  credited: (settled, left) => `Hiervan is ${settled} gecrediteerd; ${left} staat nog open.`,
  reference: (id) => `Kenmerk: ${id}`,
  closing: ({ expected, rounded, owedBy, isOneInvoice, evidenceFile }) => [
    `${
      {
        vendor: `Wij verwachten een creditnota van ${expected} exclusief btw, met de btw daarover.`,
        us: `Volgens onze administratie ${isOneInvoice ? 'is uw factuur' : 'zijn uw facturen'} door deze posten ${expected} exclusief btw te laag. Wij verwachten een gecorrigeerde factuur.`,
        nobody: `Deze posten veranderen het bedrag exclusief btw met ${expected}. Wij verwachten een gecorrigeerde factuur.`,
      }[owedBy]
    }${rounded ? ` Volgens de prijzen per eenheid komen de posten uit op precies ${rounded.exact}; afgerond op ${rounded.unit}, met een half naar boven, is dat ${expected}.` : ''}`,
    '',
    `Hoe u kunt antwoorden: vermeld a.u.b. de kenmerken hierboven in uw antwoord en op de regels van de creditnota. Bent u het met een post niet eens, stuur ons dan de pogingen die u in rekening brengt, met transactie-ID en tijdstip.${evidenceFile === undefined ? '' : ` De onze staan in ${evidenceFile}.`} Wij horen graag binnen 14 dagen van u.`,
    '',
    'Met vriendelijke groet,',
    '',
    '[naam]',
  ],
};

function effect(
  { effect: kind, amount, vendorQuantity, vendorPrice: charged, ownPrice: agreed }: PublishedFinding,
  figures: Figures,
): string {
  const { own, vendor, units, ownPrice, vendorPrice, ownAmount, vendorAmount, amount: written } = figures;
  const price = charged === null ? '' : ` à ${vendorPrice}`;
  const ours = agreed === null ? '' : ` à ${ownPrice}`;
  const what = vendorQuantity === null || vendorQuantity === 0n ? '' : `${vendor}${price}, `;
  const way = amount < 0n ? 'te weinig' : 'te veel';
  switch (kind) {
    case 'quantity':
      return `U brengt ${vendor} in rekening, onze administratie heeft ${own}. Deze post betreft ${units}${ours}: ${written} ${way}.`;
    case 'price':
      return `U rekent ${vendorPrice} per eenheid voor ${vendor}; ${agreed === null ? 'er is geen prijs afgesproken' : `afgesproken is ${ownPrice}`}: ${written} ${way}.`;
    case 'missing_line':
      return `Onze administratie heeft ${own}${ours}, ${ownAmount}; de factuur heeft die regel niet: ${written} ${way}.`;
    case 'extra_line':
      return amount < 0n
        ? `U crediteert ${written}, waarvoor onze administratie geen reden heeft.`
        : `U brengt ${what}${written} in rekening; dat staat niet in onze administratie.`;
    case 'minimum':
      return `U brengt ${vendorAmount} in rekening tot het maandelijkse minimum, volgens onze berekening is het ${ownAmount}: ${written} ${way}.`;
    case 'rounding':
      return `Het bedrag van de regel wijkt door afronding af van het onze: ${written} ${way}.`;
    case 'tax':
      return amount === 0n
        ? 'De btw van deze regel volgt niet uit uw tarief. Het bedrag zonder btw verandert er niet door.'
        : `Het nettobedrag van de factuur is niet de som van haar regels zonder btw: ${written} ${way}.`;
    default:
      return kind satisfies never;
  }
}

const reasons: Readonly<Record<Cause, (subject: string, isTooMuch: boolean) => string>> = {
  usage_unknown: () => 'onze administratie kent dit gebruik niet.',
  usage_not_billed: () => 'onze administratie heeft dit gebruik, en u brengt het niet in rekening.',
  billed_twice: () => 'dezelfde pogingen zijn meer dan eens in rekening gebracht.',
  cutoff: (subject) =>
    `u lijkt de maand naar een andere tijd te nemen (${subject}), waardoor pogingen in een andere maand in rekening komen.`,
  rule: (subject, isTooMuch) => {
    const levels = levelsIn(subject);
    if (levels !== undefined) return `u berekent pogingen op een ander niveau dan in uw antwoorden staat (${levels}).`;
    if (!isOutcome(subject)) return `pogingen zijn anders in rekening gebracht dan uw documentatie zegt (${subject}).`;
    return isTooMuch
      ? `u brengt pogingen met de uitkomst ${subject} in rekening; volgens uw documentatie gebeurt dat niet.`
      : `u brengt pogingen met de uitkomst ${subject} niet in rekening; volgens uw documentatie gebeurt dat wel.`;
  },
  counter: (subject) =>
    subject === counterAsBooked
      ? 'de factuur stemt niet overeen met uw eigen teller attemptsInvoiced, die hetzelfde zegt als onze administratie.'
      : 'uw eigen teller attemptsInvoiced zegt hetzelfde als de factuur, en onze administratie niet.',
  unclassified: (subject) =>
    subject === 'all'
      ? 'u brengt pogingen in rekening met uitkomsten die uw documentatie niet noemt.'
      : `u brengt pogingen in rekening met de uitkomst ${subject}, die uw documentatie niet noemt.`,
  abandoned: () => 'dit zijn pogingen van transacties die zonder resultaat zijn geëindigd.',
  late: () => 'deze pogingen zijn bekend geworden nadat de maand was afgesloten.',
  price: () => 'de prijs per eenheid is niet de afgesproken prijs.',
  tier: () => 'de prijsstaffel is niet de afgesproken staffel.',
  allowance: () => 'de vrije eenheden zijn niet zoals afgesproken.',
  minimum: () => 'het maandelijkse minimum is niet zoals afgesproken.',
  rounding: (subject) =>
    isOfEveryAttempt(subject)
      ? 'de prijs van elke poging is afgerond, niet elke regel één keer.'
      : subject === netOfInvoice
        ? 'het nettobedrag is niet de som van de regels.'
        : 'de regel is afgerond, en de onze ook; dit is het verschil van de fracties.',
  fee: (subject) => `wij kennen deze toeslag niet ("${subject}").`,
  discount: (subject) => `wij kennen deze korting niet ("${subject}").`,
  credit: (subject) => `wij kennen deze creditering niet ("${subject}").`,
  currency: () => 'de valuta is niet de afgesproken valuta.',
  tax: (subject) =>
    isOfRate(subject) ? `de btw en het tarief stemmen niet overeen (${subject}).` : 'het nettobedrag bevat btw.',
  unexplained: () => 'die hebben wij niet gevonden. Laat ons a.u.b. weten wat hier in rekening is gebracht.',
};
