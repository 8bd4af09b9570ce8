import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

/** A cell as LibreOffice holds it: `value` of numbers and booleans, `text` of everything else. */
export type SheetCell = { readonly type: string | null; readonly value: string | null; readonly text: string };

/** Reads the cells of a flat OpenDocument sheet; repeated cells are written out, empty ones at the end left out. */
const reader = `
import json, sys, xml.etree.ElementTree as xml
table = '{urn:oasis:names:tc:opendocument:xmlns:table:1.0}'
office = '{urn:oasis:names:tc:opendocument:xmlns:office:1.0}'
text = '{urn:oasis:names:tc:opendocument:xmlns:text:1.0}'
def spoken(element):
    parts = [element.text or '']
    for child in element:
        parts.append(' ' * int(child.get(text + 'c', '1')) if child.tag == text + 's' else spoken(child))
        parts.append(child.tail or '')
    return ''.join(parts)
rows = []
for row in xml.parse(sys.argv[1]).iter(table + 'table-row'):
    cells = []
    for cell in row.findall(table + 'table-cell'):
        kind = cell.get(office + 'value-type')
        value = cell.get(office + 'value') or cell.get(office + 'boolean-value') or cell.get(office + 'date-value')
        shown = ' '.join(spoken(p) for p in cell.findall(text + 'p'))
        one = {'type': kind, 'value': value, 'text': cell.get(office + 'string-value') or shown}
        cells += [one] * int(cell.get(table + 'number-columns-repeated', '1'))
    while cells and cells[-1]['type'] is None:
        cells.pop()
    if cells:
        rows += [cells] * int(row.get(table + 'number-rows-repeated', '1'))
json.dump(rows, sys.stdout)
`;

/** Opens CSV files as somebody would with these import settings, and reads the cells back. */
export function openInCalc(files: readonly string[], folder: string, filter: string): SheetCell[][][] {
  const profile = pathToFileURL(path.join(folder, 'profile')).href;
  const settings = [`-env:UserInstallation=${profile}`, '--headless', `--infilter=CSV:${filter}`];
  execFileSync('soffice', [...settings, '--convert-to', 'fods', '--outdir', folder, ...files], { stdio: 'pipe' });
  return files.map((file) => {
    const sheet = path.join(folder, path.basename(file).replace(/\.csv$/, '.fods'));
    const json = execFileSync('python3', ['-c', reader, sheet], { encoding: 'utf8', maxBuffer: 2 ** 28 });
    return JSON.parse(json) as SheetCell[][];
  });
}
