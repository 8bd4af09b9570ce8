/** What became of a transaction, as the vendor's event says. A hint: the ledger fetches the truth. */
export type Completed = { readonly transactionId: string; readonly resultId: string };

/**
 * Where the vendor's message says what. Paths are separated by dots. The vendor's JavaScript event is not public: ask
 * for its form. What is not given is as in the vendor's webhooks.
 */
export type VendorEvent = {
  /** Default: `type`. */
  readonly typeAt?: string;
  /** Default: `transaction.state.updated`. */
  readonly type?: string;
  /** Default: `transaction.state`. */
  readonly stateAt?: string;
  /** Default: `completed`. */
  readonly completedState?: string;
  /** Default: `transaction.id`. */
  readonly transactionIdAt?: string;
  /** Default: `transaction.resultId`. */
  readonly resultIdAt?: string;
};

export type EmbedOptions = {
  /** The element that gets the iframe. */
  readonly container: Element;
  /** `url` of the created transaction. */
  readonly url: string;
  readonly transactionId: string;
  /** `browserToken` of the created transaction. */
  readonly token: string;
  /** The ledger's address, such as `https://idscan.example.com`. */
  readonly ledger: string;
  /** Where the vendor's messages come from. Default: the origin of `url`. */
  readonly vendorOrigin?: string;
  readonly vendorEvent?: VendorEvent;
  /** What the iframe is called for people who do not see it. Default: `Identity verification`. */
  readonly title?: string;
  /** What the iframe may use. Default: `camera; microphone`, at the origin of `url` alone. */
  readonly allow?: string;
  /** The vendor said that every task is done. Called once. */
  readonly onCompleted?: (completed: Completed) => void;
  /**
   * The ledger took the result (`reported`), or refused to for good with a code of its own. Nothing is lost then: it
   * finds results without pages, too.
   */
  readonly onReported?: (outcome: 'reported' | (string & {})) => void;
};

export type Embedded = {
  readonly iframe: HTMLIFrameElement;
  /** Removes the iframe, and tells the ledger if the tasks are not done. */
  readonly close: () => void;
};

/**
 * Shows a transaction in an iframe, listens to the vendor's messages, and tells the ledger what they say.
 *
 * @throws TypeError for options that cannot be right.
 */
export function embedTransaction(options: EmbedOptions): Embedded;
