/**
 * The vendor's invoicing table, per document scan attempt (DOC). It is written here a second time on purpose: the
 * simulator shares no code with the product, so that it is an independent check.
 */
const invoicedByCode: ReadonlyMap<string, boolean> = new Map([
  ['processing', false],
  ['unknown_type_front', false],
  ['unknown_type_back', false],
  ['expiration_criteria_not_met', true],
  ['unable_to_determine_date_of_expiry', true],
  ['text_fields_analysis_failed', true],
  ['age_criteria_not_met', true],
  ['unable_to_determine_age', true],
  ['field_validation_failed', true],
  ['front_side_provided_back_side_required', true],
  ['back_side_provided_front_side_required', true],
]);

export const processing = 'processing';

/** Every documented code of an unsuccessful attempt. */
export const failureCodes: readonly string[] = [...invoicedByCode.keys()];

/** Codes that the documentation does not mention. */
export const undocumentedCodes: readonly string[] = ['mrz_checksum_failed', 'image_too_dark', 'document_reported_lost'];

/** After these codes the next attempt shows the other side of the same document. */
export const oneSideCodes: readonly string[] = [
  'front_side_provided_back_side_required',
  'back_side_provided_front_side_required',
];

/** Whether the vendor invoices an attempt with this code; `null` = the documentation does not say. */
export function isScanInvoiced(code: string | null): boolean | null {
  return code === null ? true : (invoicedByCode.get(code) ?? null);
}
