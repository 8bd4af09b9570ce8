import path from 'node:path';
import type { Row } from '../values/cells.ts';
import { layoutMismatch, shown, shownNames, type Source, unreadable } from '../refusals.ts';
import { attributeOf, childrenOf, elementAt, parseXml, type XmlElement } from '../xml.ts';
import { openParts, type Parts } from './parts.ts';
import { isDateFormat } from './serial-dates.ts';
import { type Book, richText, rowsOf } from './sheet.ts';

const anew = 'Open it in a spreadsheet and save it again, or ask the vendor for the file anew.';

/**
 * Reads a sheet of a workbook: the one of this name, else the first that is not hidden. The texts of numbers are read
 * from the file itself: libraries for spreadsheets hand out doubles.
 *
 * @throws LedgerError `…_unreadable`, `layout_mismatch` where there is no such sheet.
 */
export async function sheetOf(
  bytes: Buffer,
  source: Source,
  wanted: string | undefined,
): Promise<{ readonly rows: readonly Row[]; readonly sheet: string }> {
  const parts = await openParts(bytes, source);
  const main = (await relations(parts, source, '')).find(({ type }) => type.endsWith('/officeDocument'))?.target;
  const workbook = main === undefined ? undefined : await rootOf(parts, source, main, 'workbook');
  if (main === undefined || !workbook) throw unreadable(source, 'has no workbook in it', anew);
  const sheets = childrenOf(elementAt(workbook, 'sheets'), 'sheet').map((sheet) => ({
    name: attributeOf(sheet, 'name') ?? '',
    id: attributeOf(sheet, 'id') ?? '',
    isHidden: (attributeOf(sheet, 'state') ?? 'visible') !== 'visible',
  }));
  const chosen = sheets.find(({ name, isHidden }) => (wanted === undefined ? !isHidden : name === wanted));
  if (!chosen && wanted !== undefined) {
    const message = `there is no sheet ${shown(wanted)}; the file has ${shownNames(sheets.map(({ name }) => name))}`;
    throw layoutMismatch(source, [{ at: undefined, message }]);
  }
  const related = await relations(parts, source, main);
  const target = related.find(({ id }) => id === chosen?.id)?.target;
  const sheet = target === undefined ? undefined : await rootOf(parts, source, target, 'worksheet');
  if (!chosen || !sheet) throw unreadable(source, 'has no sheet that can be read', anew);
  const book = await bookOf(parts, source, workbook, related);
  return { rows: rowsOf(sheet, book, source), sheet: chosen.name };
}

async function bookOf(parts: Parts, source: Source, workbook: XmlElement, related: readonly Relation[]): Promise<Book> {
  const rootOfType = async (type: string, root: string) => {
    const target = related.find((one) => one.type.endsWith(`/${type}`))?.target;
    return target === undefined ? undefined : rootOf(parts, source, target, root);
  };
  const texts = childrenOf(await rootOfType('sharedStrings', 'sst'), 'si').map(richText);
  const styles = await rootOfType('styles', 'styleSheet');
  const codes = new Map(
    childrenOf(elementAt(styles, 'numFmts'), 'numFmt').map((one) => [
      attributeOf(one, 'numFmtId') ?? '',
      attributeOf(one, 'formatCode') ?? '',
    ]),
  );
  const dateStyles = childrenOf(elementAt(styles, 'cellXfs'), 'xf').map((one) => {
    const id = attributeOf(one, 'numFmtId') ?? '0';
    return isDateFormat(Number(id), codes.get(id));
  });
  const date1904 = attributeOf(elementAt(workbook, 'workbookPr'), 'date1904');
  return {
    texts,
    isDateStyle: (style) => style !== undefined && dateStyles[Number(style)] === true,
    epoch: date1904 === '1' || date1904 === 'true' ? 1904 : 1900,
  };
}

async function rootOf(parts: Parts, source: Source, part: string, name: string): Promise<XmlElement | undefined> {
  const text = await parts.read(part);
  const parsed = text === undefined ? undefined : parseXml(text, source, part);
  return parsed?.name === name ? parsed.root : undefined;
}

type Relation = { readonly id: string; readonly type: string; readonly target: string };

/** What a part refers to, with the targets as names of parts. `part` = `''` for the container. */
async function relations(parts: Parts, source: Source, part: string): Promise<Relation[]> {
  const folder = path.posix.dirname(part);
  const file = path.posix.join(folder, '_rels', `${path.posix.basename(part)}.rels`);
  const root = await rootOf(parts, source, file, 'Relationships');
  return childrenOf(root, 'Relationship')
    .filter((one) => attributeOf(one, 'TargetMode') !== 'External')
    .map((one) => {
      const target = attributeOf(one, 'Target') ?? '';
      return {
        id: attributeOf(one, 'Id') ?? '',
        type: attributeOf(one, 'Type') ?? '',
        target: target.startsWith('/') ? target.slice(1) : path.posix.join(folder, target),
      };
    });
}
