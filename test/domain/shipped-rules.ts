import { fileURLToPath } from 'node:url';
import { readRuleTables } from '../../src/reference-data/rule-tables.ts';
import { deepFrozen } from './support.ts';

/** The rules that are shipped. */
export const shipped = deepFrozen(
  readRuleTables(fileURLToPath(new URL('../../rules/id-scan.json', import.meta.url))).content,
)[0]!;

/** The vendor's invoicing table as documented, written down a second time. */
export const documented: [code: string | null, isInvoiced: boolean][] = [
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
  [null, true],
];

export const faces = ['face_liveness', 'face_match'];
