import { crc32, deflateRawSync } from 'node:zlib';

/** Writers of what a vendor might send. They share nothing with what reads it. */

export type Marks = { readonly decimal: string; readonly thousands: string };

/** Micro-units or a whole number, as people of a country write it. */
export function numberText(value: bigint, scale: number, decimals: number, { decimal, thousands }: Marks): string {
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, '0');
  let fraction = scale === 0 ? '' : digits.slice(-scale);
  while (fraction.length > decimals && fraction.endsWith('0')) fraction = fraction.slice(0, -1);
  const whole = (scale === 0 ? digits : digits.slice(0, -scale)).replaceAll(/\B(?=(\d{3})+$)/g, thousands);
  return `${value < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `${decimal}${fraction}`}`;
}

export function dateText(day: string, form: string): string {
  const [year = '', month = '', date = ''] = day.split('-');
  return form.replace('YYYY', year).replace('MM', month).replace('DD', date);
}

export const csvText = (rows: readonly (readonly string[])[], delimiter: string, newline = '\r\n'): string =>
  rows
    .map((cells) =>
      cells.map((cell) => (/["\r\n;,\t|]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(delimiter),
    )
    .join(newline) + newline;

const ofWindows1252: Readonly<Record<string, number>> = { '€': 0x80, '–': 0x96 };

export function encoded(
  text: string,
  encoding: 'utf-8' | 'utf-8-bom' | 'utf-16le' | 'utf-16be' | 'windows-1252',
): Buffer {
  switch (encoding) {
    case 'utf-8':
      return Buffer.from(text);
    case 'utf-8-bom':
      return Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(text)]);
    case 'utf-16le':
      return Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')]);
    case 'utf-16be':
      return Buffer.concat([Buffer.from([0xfe, 0xff]), Buffer.from(text, 'utf16le').swap16()]);
    case 'windows-1252':
      return Buffer.from(Array.from(text, (sign) => ofWindows1252[sign] ?? sign.charCodeAt(0)));
    default:
      return encoding satisfies never;
  }
}

type ZipOptions = { readonly store?: boolean; readonly encrypted?: boolean; readonly declare?: number };

/** A zip file, as PKWARE's note says. `declare` lies about the size of every part. */
export function zipOf(parts: Readonly<Record<string, string>>, { store, encrypted, declare }: ZipOptions = {}): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of Object.entries(parts)) {
    const bytes = Buffer.from(text);
    const packed = store ? bytes : deflateRawSync(bytes);
    const head = Buffer.alloc(26);
    head.writeUInt16LE(20, 0);
    head.writeUInt16LE(encrypted ? 1 : 0, 2);
    head.writeUInt16LE(store ? 0 : 8, 4);
    head.writeUInt32LE(crc32(bytes), 10);
    head.writeUInt32LE(packed.length, 14);
    head.writeUInt32LE(declare ?? bytes.length, 18);
    head.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\u0003\u0004'), head, Buffer.from(name), packed]);
    const directory = Buffer.alloc(14);
    directory.writeUInt32LE(offset, 10);
    central.push(
      Buffer.concat([Buffer.from('PK\u0001\u0002'), Buffer.from([20, 0]), head, directory, Buffer.from(name)]),
    );
    locals.push(local);
    offset += local.length;
  }
  const end = Buffer.alloc(18);
  end.writeUInt16LE(central.length, 4);
  end.writeUInt16LE(central.length, 6);
  end.writeUInt32LE(Buffer.concat(central).length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...locals, ...central, Buffer.from('PK\u0005\u0006'), end]);
}

/** A cell: a text, a number as the file has it, a serial date, a formula, raw XML, or none. */
export type SheetCell =
  | string
  | { n: string }
  | { day: string }
  | { formula: string; n: string }
  | { xml: string }
  | null;
export type BookOptions = {
  readonly sheets?: readonly string[];
  readonly is1904?: boolean;
  readonly texts?: 'shared' | 'inline' | 'rich';
  readonly dateFormat?: string;
  readonly from?: number;
  readonly parts?: Readonly<Record<string, string>>;
};

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
const main = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
const office = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';

/** The parts of a workbook with one sheet of data, the last of `sheets`. */
export function bookParts(rows: readonly (readonly SheetCell[])[], options: BookOptions = {}): Record<string, string> {
  const { sheets = ['Factuur'], is1904 = false, texts = 'shared', dateFormat, from = 1, parts = {} } = options;
  const shared: string[] = [];
  const cellXml = (cell: SheetCell, reference: string): string => {
    if (cell === null) return '';
    if (typeof cell === 'string') {
      if (texts === 'inline') return `<c r="${reference}" t="inlineStr"><is><t>${escaped(cell)}</t></is></c>`;
      const half = Math.ceil(cell.length / 2);
      shared.push(
        texts === 'rich'
          ? `<si><r><rPr><b/></rPr><t xml:space="preserve">${escaped(cell.slice(0, half))}</t></r><r><t xml:space="preserve">${escaped(cell.slice(half))}</t></r><rPh sb="0" eb="1"><t>x</t></rPh></si>`
          : `<si><t>${escaped(cell)}</t></si>`,
      );
      return `<c r="${reference}" t="s"><v>${shared.length - 1}</v></c>`;
    }
    if ('xml' in cell) return cell.xml.replace('<c', `<c r="${reference}"`);
    if ('day' in cell) {
      const days = (Date.parse(`${cell.day}T00:00:00Z`) - Date.UTC(1970, 0, 1)) / 86_400_000;
      return `<c r="${reference}" s="1"><v>${days + (is1904 ? 24_107 : 25_569)}</v></c>`;
    }
    const formula = 'formula' in cell ? `<f>${escaped(cell.formula)}</f>` : '';
    return `<c r="${reference}">${formula}<v>${cell.n}</v></c>`;
  };
  const data = rows.map((cells, index) => {
    const row = index + from;
    return `<row r="${row}">${cells.map((cell, at) => cellXml(cell, `${String.fromCharCode(65 + at)}${row}`)).join('')}</row>`;
  });
  const sheetXml = (content: string): string =>
    `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<worksheet xmlns="${main}"><sheetData>${content}</sheetData></worksheet>`;
  const numFmt =
    dateFormat === undefined
      ? ''
      : `<numFmts count="1"><numFmt numFmtId="170" formatCode="${escaped(dateFormat)}"/></numFmts>`;
  return {
    '[Content_Types].xml': `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>`,
    '_rels/.rels': `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="${office}/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
    'xl/workbook.xml': `<workbook xmlns="${main}" xmlns:r="${office}"><workbookPr${is1904 ? ' date1904="1"' : ''}/><sheets>${sheets
      .map((name, index) => `<sheet name="${escaped(name)}" sheetId="${index + 1}" r:id="rId${index + 1}"/>`)
      .join('')}</sheets></workbook>`,
    'xl/_rels/workbook.xml.rels': `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">${sheets
      .map(
        (_, index) =>
          `<Relationship Id="rId${index + 1}" Type="${office}/worksheet" Target="${index % 2 === 0 ? '' : '/xl/'}worksheets/sheet${index + 1}.xml"/>`,
      )
      .join(
        '',
      )}<Relationship Id="rId90" Type="${office}/sharedStrings" Target="sharedStrings.xml"/><Relationship Id="rId91" Type="${office}/styles" Target="styles.xml"/></Relationships>`,
    ...Object.fromEntries(
      sheets.map((_, index) => [
        `xl/worksheets/sheet${index + 1}.xml`,
        sheetXml(index === sheets.length - 1 ? data.join('') : '<row r="1"><c r="A1"><v>1</v></c></row>'),
      ]),
    ),
    'xl/sharedStrings.xml': `<sst xmlns="${main}" count="${shared.length}" uniqueCount="${shared.length}">${shared.join('')}</sst>`,
    'xl/styles.xml': `<styleSheet xmlns="${main}">${numFmt}<cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="${dateFormat === undefined ? 14 : 170}"/></cellXfs></styleSheet>`,
    ...parts,
  };
}

export const bookOf = (rows: readonly (readonly SheetCell[])[], options: BookOptions = {}): Buffer =>
  zipOf(bookParts(rows, options));
