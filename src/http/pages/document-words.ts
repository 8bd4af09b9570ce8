import type { FileKind } from '../../db/files.ts';
import type { FileState } from '../../db/schema.ts';
import type { Principal } from '../context.ts';

export const kindNames: Readonly<Record<FileKind, string>> = { document: 'Document', audit_report: 'Audit report' };

export const stateNames: Readonly<Record<FileState, string>> = {
  stored: 'Stored',
  gone: 'Never stored: the vendor has it no more',
  refused: 'Never stored: not accepted',
  lost: 'Lost: it is not in the store',
  damaged: 'Damaged in the store',
  erased: 'Erased',
};

/** Whether this user may read documents. */
export const mayReadDocuments = ({ roles }: Principal): boolean => roles.includes('custodian');
