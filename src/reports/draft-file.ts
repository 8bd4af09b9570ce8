/** A file written whole under a temporary name, not yet visible. */
export type DraftFile = {
  readonly name: string;
  readonly temporaryPath: string;
  readonly sha256: string;
  readonly bytes: number;
  /** Line ends minus the header's. */
  readonly rows: number;
};
