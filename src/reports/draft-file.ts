/** A complete file under a temporary name, not yet published. */
export type DraftFile = {
  readonly name: string;
  readonly temporaryPath: string;
  readonly sha256: string;
  readonly bytes: number;
  /** Line ends without the header's. */
  readonly rows: number;
};
