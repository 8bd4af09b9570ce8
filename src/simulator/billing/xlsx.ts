import { unzipSync, zipSync } from 'fflate';
import writeXlsxFile from 'write-excel-file/node';
import type { Bill } from './bill.ts';
import { plainHeader, plainRows } from './table.ts';

const figureColumns: readonly string[] = ['line', 'quantity', 'unit_price', 'amount'];

/** A workbook with the plain table: figures as numbers, days as days. The same bill gives the same bytes. */
export async function workbook(bill: Bill): Promise<Buffer> {
  const header = plainHeader.map((value) => ({ value }));
  const rows = plainRows(bill).map((cells) =>
    cells.map((value, column) => {
      const name = plainHeader[column] ?? '';
      if (value === '') return null;
      if (name === 'issue_date') return { value: new Date(`${value}T00:00:00Z`), type: Date, format: 'yyyy-mm-dd' };
      return figureColumns.includes(name) ? { value: Number(value), type: Number } : { value };
    }),
  );
  const written = await writeXlsxFile([header, ...rows], { sheet: 'Invoice' }).toBuffer();
  // The library puts the time of writing into the zip file.
  return Buffer.from(zipSync(unzipSync(written), { mtime: new Date(1980, 0, 1) }));
}
