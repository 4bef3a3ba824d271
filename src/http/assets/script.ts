// Updates the status page: fetches it every few seconds and replaces the parts that have changed. The page is complete
// without it. Focus, selection and scroll position stay. A failed request is repeated.

export const SCRIPT = `'use strict';
(() => {
  const everyMs = 3000;
  const said = document.getElementById('live');
  let timer;
  let controller;
  const say = (text, isOn) => {
    said.className = isOn ? 'live on' : 'live off';
    document.body.classList.toggle('stale', !isOn);
    if (said.textContent !== text) said.textContent = text;
  };
  const isAskedIn = part => part.querySelector('details[open]') !== null;
  const isSelectedIn = part => {
    const selection = getSelection();
    return selection !== null && !selection.isCollapsed && selection.containsNode(part, true);
  };
  const within = part => [...part.querySelectorAll('a, button, summary, input, [tabindex]')];
  const nameOf = one => [one.tagName, one.id, one.href, one.form?.action, one.ariaLabel, one.textContent].join(' ');
  const swap = (part, fresh) => {
    const lefts = [...part.querySelectorAll('.scroll')].map(one => one.scrollLeft);
    const focused = part.contains(document.activeElement) ? nameOf(document.activeElement) : undefined;
    for (const one of part.querySelectorAll('input[type=checkbox]:checked')) {
      const same = fresh.querySelector('#' + one.id);
      if (same !== null) same.checked = true;
    }
    part.replaceWith(fresh);
    fresh.querySelectorAll('.scroll').forEach((one, index) => { one.scrollLeft = lefts[index] ?? 0; });
    if (focused !== undefined) within(fresh).find(one => nameOf(one) === focused)?.focus({ preventScroll: true });
  };
  const put = other => {
    if (document.title !== other.title) document.title = other.title;
    for (const part of document.querySelectorAll('[data-live]')) {
      const fresh = other.getElementById(part.id);
      if (fresh === null || isSelectedIn(part) || isAskedIn(part) || part.outerHTML === fresh.outerHTML) continue;
      swap(part, document.importNode(fresh, true));
    }
  };
  const look = async () => {
    controller = new AbortController();
    try {
      const response = await fetch(location.href, { cache: 'no-store', signal: controller.signal });
      if (!response.ok) throw new Error(String(response.status));
      put(new DOMParser().parseFromString(await response.text(), 'text/html'));
      say('Live', true);
    } catch {
      say('No connection: this is the last known state.', false);
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
  say('Live', true);
  plan();
})();
`
