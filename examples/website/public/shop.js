import { embedTransaction } from '/embed.js';

const container = document.getElementById('verification');
const outcome = document.getElementById('outcome');
const { url, transaction, token, ledger } = container?.dataset ?? {};

if (container && outcome && url && transaction && token && ledger)
  embedTransaction({
    container,
    url,
    transactionId: transaction,
    token,
    ledger,
    // What the browser says is a hint: a shop ships nothing because of it. Its server asks for the result.
    onCompleted: () => {
      outcome.textContent = 'Thank you. We are looking at the result.';
    },
    onReported: (said) => {
      container.dataset['reported'] = said;
    },
  });
