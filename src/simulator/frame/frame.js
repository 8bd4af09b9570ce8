/**
 * Tells the page around the frame that every task is done. The vendor's message is not public: this one has the form of
 * its webhooks. It goes to whatever page shows the frame, as there is no list of pages.
 */
const script = document.querySelector('script[data-result]');
if (script instanceof HTMLScriptElement && parent !== window) {
  const { transaction: id, result: resultId } = script.dataset;
  parent.postMessage({ type: 'transaction.state.updated', transaction: { id, state: 'completed', resultId } }, '*');
}
