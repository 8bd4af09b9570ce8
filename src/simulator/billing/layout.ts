/** How the invoice in Dutch, and the one in UBL, are to be read: what their vendor's customer would write. */
export const layout = {
  version: 'simulator-1',
  source: 'the simulated vendor',
  format: { delimiter: ';', decimal: ',', date: 'DD-MM-YYYY', encoding: 'windows-1252' },
  invoice: {
    number: { label: 'Factuurnummer' },
    issue_date: { label: 'Factuurdatum' },
    currency: { label: 'Valuta' },
  },
  columns: { description: 'Omschrijving', quantity: 'Aantal', unit_price: 'Prijs €', amount: 'Bedrag €' },
  lines: [
    { description: 'Documentscan advanced', kind: 'usage', task_type: 'document_scan', level: 'advanced' },
    { description: 'Documentscan', kind: 'usage', task_type: 'document_scan', level: null },
    { description: 'Liveness-controle', kind: 'usage', task_type: 'face_liveness', level: null },
    { description: 'Gezichtsvergelijking', kind: 'usage', task_type: 'face_match', level: null },
    { description: 'Aanvulling*', kind: 'minimum' },
    { description: 'Platformkosten', kind: 'fee' },
    { description: 'Korting', kind: 'discount' },
    { description: 'Subtotaal', kind: 'net' },
    { description: 'BTW*', kind: 'tax' },
    { description: 'Totaal*', kind: 'total' },
    { description: 'Verbruik van*', kind: 'ignore' },
  ],
};
