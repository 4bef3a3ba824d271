// Keeps the status page as it is by now: fetches it again every few seconds and puts in what has changed.
// The page is whole without it. A part in which somebody is at work (the focus) is left as it is; what fails is tried again.

export const SCRIPT = `'use strict';
(() => {
  const everyMs = 3000;
  const said = document.getElementById('live');
  let timer;
  let controller;
  const say = text => {
    if (said && said.textContent !== text) said.textContent = text;
  };
  const isBusy = part => part.contains(document.activeElement) || hasSelection(part);
  const hasSelection = part => {
    const selection = getSelection();
    return selection !== null && !selection.isCollapsed && selection.containsNode(part, true);
  };
  const put = fresh => {
    for (const part of document.querySelectorAll('[data-live]')) {
      const other = fresh.getElementById(part.id);
      if (other === null || isBusy(part) || part.outerHTML === other.outerHTML) continue;
      part.replaceWith(document.importNode(other, true));
    }
  };
  const look = async () => {
    controller = new AbortController();
    try {
      const response = await fetch(location.href, { cache: 'no-store', signal: controller.signal });
      if (!response.ok) throw new Error(String(response.status));
      put(new DOMParser().parseFromString(await response.text(), 'text/html'));
      say('Live.');
    } catch {
      say('Not live at the moment: this is how it was.');
    }
    plan();
  };
  const plan = () => {
    clearTimeout(timer);
    if (!document.hidden) timer = setTimeout(look, everyMs);
  };
  document.addEventListener('visibilitychange', () => {
    clearTimeout(timer);
    if (document.hidden) controller?.abort();
    else look();
  });
  if (document.querySelector('[data-live]') === null) return;
  say('Live.');
  plan();
})();
`
