// The status page in a real Chromium: what others wrote stays text there, everybody can use it, and it keeps itself up to date.

import assert from 'node:assert/strict'
import axe from 'axe-core'
import type { Locator, Page } from 'playwright-core'
import { byHand } from '../queue/by-hand-calls'
import { HOUR_MS, request } from '../queue/support'
import { type Api, NOW_MS, startApi } from './api-support'
import { openPage, useChromium, type Watched } from './chromium'
import { fillDay, RULES } from './day'
import { EVIL, fillHostile } from './hostile'
import { TOKEN } from './support'

const OWN = /^\/ses-bounce\/(?:|page\.css|page\.js|icon\.svg|jobs\/\w+|search|session|pause|resume|lost)$/
/** The interval in the page's script. */
const EVERY_MS = 3000

describe('the status page in a browser', function () {
  const chromium = useChromium(this)
  let api: Api
  let opened: Watched[]

  beforeEach(async () => {
    api = await startApi('', RULES)
    opened = []
  })
  afterEach(async () => {
    await Promise.all(opened.map(one => one.close()))
    await api.close()
  })

  async function open(...[options]: Tail<Parameters<typeof openPage>>): Promise<Watched> {
    const watched = await openPage(chromium.browser, api.url, options)
    opened.push(watched)
    return watched
  }

  const add = (minutes: number) =>
    api.queue.add([request({ deadlineMs: api.clock.ms + minutes * 60_000 })], api.clock.ms)[0]?.jobId ?? ''
  const tile = (page: Page, state: string) => page.locator('dl.tiles div', { hasText: state }).locator('dd')

  describe('whatever others wrote', () => {
    it('stays text on each page, also when it comes as news', async () => {
      const watched = await open()
      const { page } = watched
      await page.clock.install()
      await page.goto(`${api.url}/`)
      const [id = ''] = fillHostile(api)
      block(api)
      await page.clock.runFor(EVERY_MS)
      await page.locator('#status', { hasText: 'SES says' }).waitFor()
      await assertTame(page, [
        'SES says: refused',
        'rule ',
        'sender ',
        'to ',
        'decided ',
        'from ',
        'because ',
        'wrong ',
        'region ',
      ])
      for (const path of [`/jobs/${id}`, `/search?q=${encodeURIComponent(`ses-${EVIL}`)}`]) {
        await page.goto(api.url + path)
        await assertTame(page, ['sender ', 'to ', 'rule '])
      }
      await page.goto(`${api.url}/search?q=${encodeURIComponent(EVIL)}`)
      await assertTame(page, ['0 found.'])
      assert.deepEqual(
        [watched.dialogs, watched.said, watched.asked.filter(path => !OWN.test(path))],
        [[], [], []],
      )
    })

    it('is found again by the links that are made of it', async () => {
      fillHostile(api)
      const { page } = await open()
      await page.goto(`${api.url}/`)
      await page.locator('#deadlines a').first().click()
      await page.getByRole('link', { name: 'ses-' }).click()
      await page.getByText('1 found.').waitFor()
      await page.locator('td a').click()
      await page.getByRole('link', { name: 'sender ' }).click()
      await page.getByRole('heading', { name: 'Search' }).waitFor()
    })
  })

  describe('on any screen', () => {
    for (const [what, options] of [
      ['a wide one', { viewport: { width: 1280, height: 900 } }],
      ['a phone', { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true }],
    ] as const)
      it(`fits, and has names for everything and contrast in light and dark: ${what}`, async () => {
        fillDay(api, [3, 9])
        const long = `${'x'.repeat(64)}@${'y'.repeat(180)}.example`
        const deadlineMs = NOW_MS + 60_000
        api.queue.add(
          [request({ deadlineMs, sender: long, rule: long, recipient: { address: long } })],
          NOW_MS,
        )
        const [id = ''] = fillHostile(api)
        block(api)
        const found: string[] = []
        for (const [isTrusted, paths] of [
          [true, ['/', `/jobs/${id}`, '/nothing']],
          [false, ['/']],
        ] as const) {
          const { page } = await open({ ...options, isTrusted })
          for (const path of paths) {
            await page.emulateMedia({ colorScheme: 'light' })
            await page.goto(api.url + path)
            const light = await complaints(page)
            await page.emulateMedia({ colorScheme: 'dark' })
            const dark = await complaints(page, ['color-contrast'])
            found.push(
              ...[...light, ...dark].map(text => `${isTrusted ? 'trusted' : 'anyone'}, ${path}: ${text}`),
            )
          }
        }
        assert.deepEqual(found, [])
      })
  })

  describe('with long values', () => {
    const LONG = `${'x'.repeat(64)}@${'y'.repeat(180)}.example`

    function addLong(): string {
      const deadlineMs = NOW_MS + 60_000
      const all = {
        deadlineMs,
        sesId: LONG,
        sender: LONG,
        rule: LONG,
        region: LONG,
        recipient: { address: LONG },
      }
      return api.queue.add([request(all)], NOW_MS)[0]?.jobId ?? ''
    }

    it('leaves each column where it is, and shows both ends of a value', async () => {
      add(60)
      const { page } = await open({ viewport: { width: 1280, height: 900 } })
      await page.clock.install()
      await page.goto(`${api.url}/`)
      const columns = () =>
        page.evaluate(() =>
          [...document.querySelectorAll('th[scope=col]')].map(one => {
            const { x, width } = one.getBoundingClientRect()
            return [one.closest('section')?.id, one.textContent, Math.round(x), Math.round(width)].join(' ')
          }),
        )
      const before = await columns()
      assert.ok(before.length > 10)
      const id = addLong()
      await page.clock.runFor(EVERY_MS)
      await page.getByRole('link', { name: id }).waitFor()
      assert.deepEqual(await columns(), before)
      const address = page.locator(`#deadlines tr`, { hasText: id }).locator('[data-column=Sender] .cut')
      assert.equal(await address.getAttribute('title'), LONG)
      const [shown, height] = await address.evaluate(one => {
        const { width, height: high } = one.getBoundingClientRect()
        return [width, high]
      })
      assert.ok((shown ?? 0) > 60 && (height ?? 99) < 60, `${shown} x ${height}`)
    })

    it('copies the whole of a value that is cut', async () => {
      const id = addLong()
      const { page } = await open()
      await page.goto(`${api.url}/`)
      const address = page.locator(`#deadlines tr`, { hasText: id }).locator('[data-column=Sender] .cut')
      const copied = await address.evaluate(one => {
        getSelection()?.selectAllChildren(one)
        return getSelection()?.toString()
      })
      assert.equal(copied, LONG)
    })
  })

  it('shows five decisions on a phone, and all of them on demand, which stays so', async () => {
    fillDay(api, [3, 9])
    const { page } = await open({ viewport: { width: 390, height: 844 } })
    await page.clock.install()
    await page.goto(`${api.url}/`)
    const shown = () =>
      page
        .locator('#decisions tbody tr')
        .evaluateAll(rows => rows.filter(one => one.getClientRects().length > 0).length)
    assert.equal(await shown(), 5)
    await tabTo(page, 'Show all 12', page.locator('#decisions label'))
    await page.keyboard.press('Space')
    assert.equal(await shown(), 12)
    const id = add(60)
    api.clock.ms += EVERY_MS
    await page.clock.runFor(EVERY_MS)
    await page.locator('#deadlines', { hasText: id }).waitFor()
    await page.locator('#decisions', { hasText: '7s ago' }).waitFor()
    assert.equal(await shown(), 12)
    await page.getByText('Show fewer').click()
    assert.equal(await shown(), 5)
  })

  it('waits with news where somebody is asked, and goes on afterwards', async () => {
    add(60)
    const { page } = await open()
    await page.clock.install()
    await page.goto(`${api.url}/`)
    const summary = page.locator('#regions summary').first()
    await summary.click()
    await page.locator('#regions input[name=reason]').first().fill('an outage')
    const id = add(120)
    await page.clock.runFor(EVERY_MS)
    await page.getByRole('link', { name: id }).waitFor()
    assert.equal(await page.locator('#regions input[name=reason]').first().inputValue(), 'an outage')
    assert.equal(await page.locator('#regions td[data-column=Waiting]').textContent(), '1')
    await summary.click()
    await page.clock.runFor(EVERY_MS)
    await page.locator('#regions td[data-column=Waiting]', { hasText: '2' }).waitFor()
  })

  describe('without reloading', () => {
    it('shows what is new, and says when it can’t', async () => {
      const { page } = await open()
      await page.clock.install()
      await page.goto(`${api.url}/`)
      await page.getByText('No jobs are waiting.').first().waitFor()
      const id = add(60)
      await page.clock.runFor(EVERY_MS)
      await page.getByRole('link', { name: id }).waitFor()
      assert.equal(await tile(page, 'queued').textContent(), '1')
      await page.route('**/ses-bounce/', route => route.abort())
      await page.clock.runFor(EVERY_MS)
      await page.getByText('No connection: this is the last known state.').waitFor()
      assert.equal(await page.getByRole('link', { name: id }).count(), 1)
      await page.unroute('**/ses-bounce/')
      byHand(api.operator).cancel(id, api.clock.ms)
      await page.clock.runFor(EVERY_MS)
      await page.getByText('Live', { exact: true }).waitFor()
      assert.equal(await tile(page, 'cancelled').textContent(), '1')
    })

    it('leaves the focus, a place in a wide table and a selection where they are', async () => {
      add(60)
      const { page } = await open({ viewport: { width: 980, height: 800 } })
      await page.clock.install()
      await page.goto(`${api.url}/`)
      await page.locator('summary', { hasText: 'Pause eu-west-1' }).focus()
      const wide = page.locator('#deadlines .scroll')
      await wide.evaluate(one => one.scrollTo({ left: 40 }))
      assert.equal(await wide.evaluate(one => one.scrollLeft), 40, 'it is wider than the screen')
      const title = page.locator('#status h1')
      await title.evaluate(one => getSelection()?.selectAllChildren(one))
      const later = add(120)
      await page.clock.runFor(EVERY_MS)
      await page.getByRole('link', { name: later }).waitFor()
      assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Pause eu-west-1…')
      assert.equal(await wide.evaluate(one => one.scrollLeft), 40)
      assert.equal(await page.evaluate(() => getSelection()?.toString()), 'Sending. All is well.')
      assert.equal(await tile(page, 'queued').textContent(), '1', 'as it was selected')
      await page.evaluate(() => getSelection()?.removeAllRanges())
      await page.clock.runFor(EVERY_MS)
      await tile(page, 'queued').getByText('2').waitFor()
    })

    it('requests nothing while the page is hidden, and at once when it is shown', async () => {
      const { page, asked } = await open()
      await page.clock.install()
      await page.goto(`${api.url}/`)
      const pages = () => asked.filter(path => path === '/ses-bounce/').length
      const look = (isHidden: boolean) =>
        page.evaluate(hidden => {
          Object.defineProperty(document, 'hidden', { configurable: true, value: hidden })
          document.dispatchEvent(new Event('visibilitychange'))
        }, isHidden)
      // an answer that is still to come when nobody looks any more
      let release = () => {}
      const held = new Promise<void>(resolve => {
        release = resolve
      })
      await page.route('**/ses-bounce/', () => held)
      const beginning = page.waitForRequest('**/ses-bounce/')
      await page.clock.runFor(EVERY_MS)
      const given = page.waitForEvent('requestfailed')
      await beginning
      await look(true)
      await given
      release()
      await page.unroute('**/ses-bounce/')
      const before = pages()
      await page.clock.runFor(20 * EVERY_MS)
      const id = add(60)
      assert.equal(await page.getByText('No jobs are waiting.').count(), 2)
      assert.equal(pages(), before)
      await look(false)
      await page.getByRole('link', { name: id }).waitFor()
      assert.equal(pages(), before + 1)
    })

    it('follows a job to its end', async () => {
      const id = add(60)
      const { page } = await open()
      await page.clock.install()
      await page.goto(`${api.url}/`)
      await page.getByRole('link', { name: '1 queued' }).click()
      await page.getByRole('heading', { name: 'Jobs queued' }).waitFor()
      await page.getByRole('link', { name: id }).click()
      await page.getByRole('heading', { name: `Job ${id} queued` }).waitFor()
      byHand(api.operator).cancel(id, api.clock.ms)
      await page.clock.runFor(EVERY_MS)
      await page.getByRole('heading', { name: `Job ${id} cancelled` }).waitFor()
      await page.getByRole('cell', { name: 'by hand' }).waitFor()
    })
  })

  for (const javaScriptEnabled of [true, false])
    describe(`by keyboard alone, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, () => {
      it('signs in with the token, pauses and resumes, holds and cancels a job, and signs out', async () => {
        const id = add(60)
        const { page, said } = await open({ isTrusted: false, javaScriptEnabled })
        await page.goto(`${api.url}/`)
        assert.equal(await tile(page, 'queued').textContent(), '1')
        await page.keyboard.press('Tab')
        await assertFocus(page, 'Skip to the content')
        await tabTo(page, 'Token')
        await page.keyboard.type(TOKEN)
        await page.keyboard.press('Enter')
        await page.getByRole('link', { name: id }).waitFor()
        await tabTo(page, 'Pause eu-west-1…')
        await page.keyboard.press('Enter')
        await page.getByText('Its bounces wait until somebody resumes').first().waitFor()
        assert.equal(api.operator.pauses().length, 0, 'it is asked first')
        await tabTo(page, 'Reason')
        await page.keyboard.type('an outage')
        await tabTo(page, 'Pause eu-west-1')
        await page.keyboard.press('Enter')
        await page.getByText('Paused by hand: eu-west-1').waitFor()
        await page.getByText(/, by token: an outage\.$/).waitFor()
        await tabTo(page, 'Resume eu-west-1')
        await page.keyboard.press('Space')
        await page.getByText('All is well.').waitFor()
        await tabTo(page, id)
        await page.keyboard.press('Enter')
        await page.getByRole('heading', { name: `Job ${id} queued` }).waitFor()
        for (const [asked, button, state] of [
          [undefined, 'Hold', 'held'],
          ['Cancel…', 'Cancel this job', 'cancelled'],
        ] as const) {
          if (asked !== undefined) {
            await tabTo(page, asked)
            await page.keyboard.press('Enter')
            await page.getByText('Its recipients get no bounce.').waitFor()
            assert.equal(api.operator.job(id)?.state, 'held', 'it is asked first')
          }
          await tabTo(page, button)
          await page.keyboard.press('Enter')
          await page.getByRole('heading', { name: `Job ${id} ${state}` }).waitFor()
        }
        assert.equal(api.operator.job(id)?.state, 'cancelled')
        await tabTo(page, 'Address or id')
        await page.keyboard.type('user@yours.example')
        await page.keyboard.press('Enter')
        await page.getByText('1 found.').waitFor()
        await tabTo(page, 'Sign out')
        await page.keyboard.press('Enter')
        await page.getByLabel('Token').waitFor()
        assert.equal(await page.getByRole('link', { name: id }).count(), 0)
        assert.deepEqual(said, [])
      })
    })

  it('says in plain words that a token is wrong, that the queue fails, and what isn’t there', async () => {
    const { page } = await open({ isTrusted: false })
    await page.goto(`${api.url}/`)
    await page.getByLabel('Token').fill('wrong')
    await page.keyboard.press('Enter')
    await page.getByText('Wrong token: it must be').waitFor()
    await page.goto(`${api.url}/nothing`)
    await page.getByRole('heading', { name: 'There is no such page' }).waitFor()
    api.operator.close()
    // within a second the page is as it was
    api.clock.ms += 1000
    const answer = await page.goto(`${api.url}/`)
    assert.equal(answer?.status(), 503)
    await page.getByRole('heading', { name: 'Not available now' }).waitFor()
  })
})

type Tail<T extends readonly unknown[]> = T extends readonly [unknown, unknown, ...infer Rest] ? Rest : never

/** SES takes nothing from the hostile sender, in hostile words. */
function block(api: Api): void {
  const spacing = { spacingMs: 1000, notBeforeMonoMs: 0, longestPauseMs: HOUR_MS }
  const now = { ms: api.clock.ms, monoMs: api.clock.monoMs }
  const claim = api.dispatcher.claim(`region ${EVIL}`, now, spacing)
  assert.ok(claim)
  api.dispatcher.begin(claim, now)
  const untilMs = now.ms + 60_000
  api.dispatcher.settle(
    claim,
    { state: 'queued', what: 'retry', notBeforeMs: untilMs, detail: `refused ${EVIL}`, blocks: 'sender' },
    { ms: now.ms, seenMonoMs: now.monoMs },
  )
}

/** Each of the texts is there with all that follows it, as it is to be seen, and nothing of it is more than text. */
async function assertTame(page: Page, texts: readonly string[]): Promise<void> {
  const seen = await page.evaluate(() => ({
    text: document.body.textContent ?? '',
    made: document.querySelectorAll(
      'script:not([src]), img:not([src="/ses-bounce/icon.svg"]), iframe, object',
    ).length,
  }))
  for (const text of texts)
    assert.ok(seen.text.includes(text.endsWith(' ') ? `${text}"'><script>` : text), text)
  assert.equal(seen.made, 0)
  for (const mark of ['\u202e', '\u2066', '\u0007']) assert.ok(!seen.text.includes(mark))
}

/** The complaints of axe, by some of its rules or all, and of a page that is wider than the screen. */
async function complaints(page: Page, rules?: string[]): Promise<string[]> {
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
  await page.evaluate(axe.source)
  const options = rules === undefined ? {} : { runOnly: rules }
  const { violations } = await page.evaluate(given => window.axe.run(given), options)
  return [
    ...(wider > 0 ? [`${wider} px wider than the screen`] : []),
    ...violations.flatMap(({ id, nodes }) => [
      ...new Set(nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`)),
    ]),
  ]
}

/** With the key that goes on to what can be used next. */
async function tabTo(page: Page, name: string, outlined?: Locator): Promise<void> {
  for (let presses = 0; presses < 80; presses++) {
    if ((await focusName(page)) === name) {
      await assertFocus(page, name, outlined)
      return
    }
    await page.keyboard.press('Tab')
  }
  assert.fail(`${name} is not reached by Tab`)
}

/** `outlined`: what has the outline in place of the element. */
async function assertFocus(page: Page, name: string, outlined = page.locator(':focus')): Promise<void> {
  assert.equal(await focusName(page), name)
  const outline = await outlined.evaluate(one => getComputedStyle(one).outlineStyle)
  assert.equal(outline, 'solid', 'the focus can be seen')
}

function focusName(page: Page): Promise<string> {
  return page.evaluate(() => {
    const one = document.activeElement
    const label =
      one instanceof HTMLInputElement
        ? (one.labels?.[0]?.innerText.trim() ?? one.ariaLabel)
        : one?.textContent
    return label ?? ''
  })
}

declare global {
  interface Window {
    axe: typeof axe
  }
}
