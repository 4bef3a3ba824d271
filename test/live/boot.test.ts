// At boot: what is wrong stops Haraka and is shown whole; what is there already is kept.

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { bounceOf, keptOf, noted, relay, said, startFlow } from './support/flow'
import { expectBootFailure, type HarakaOptions } from './support/haraka'
import { BOUNCE_ALL, iniText } from './support/product'

const SETTINGS = iniText({}, 'local')

const WRONG: Record<string, string> = {
  'config/ses-bounce.ini': `[main]
mode = enforced

[relay]
trusted = 127.0.0.1, somewhere

[windows]
length = 24h

[window]
length = 25h
`,
  'config/ses-bounce-rules.ini': `[a] ; first
recipient = @yours.example
action = bounce
bounce.type = NoSuchType

[b]
subject = /(/
recipient
action = reject
action = drop

[c]
not.recipient = file:nowhere
action = bounce
bounce.text = Dear {sendr}
`,
}

/** File, line and section of what is wrong above. */
const PLACES = [
  'ses-bounce.ini:2: [main] ',
  'ses-bounce.ini:5: [relay] ',
  'ses-bounce.ini:7: [windows] ',
  'ses-bounce.ini:11: [window] ',
  'ses-bounce-rules.ini:1: ',
  'ses-bounce-rules.ini:4: [a] ',
  'ses-bounce-rules.ini:7: [b] ',
  'ses-bounce-rules.ini:8: [b] ',
  'ses-bounce-rules.ini:10: [b] ',
  'ses-bounce-rules.ini:13: [c] ',
  'ses-bounce-rules.ini:15: [c] ',
]

describe('at boot', function () {
  it('all errors of the configuration are shown, and Haraka ends with exit code 1', async () => {
    const { code, log } = await failToBoot({ files: WRONG })
    assert.equal(code, 1)
    for (const place of PLACES) {
      assert.ok(
        log.some(line => line.includes(place)),
        `nothing is said of ${place}in\n${log.join('\n')}`,
      )
    }
  })

  it('the last good configuration does not replace one with errors', async () => {
    const sources = { 'ses-bounce.ini': SETTINGS, 'ses-bounce-rules.ini': BOUNCE_ALL }
    const { code, log } = await failToBoot({
      files: {
        'config/ses-bounce.ini': SETTINGS,
        'config/ses-bounce-rules.ini': '[a]\naction = bounces\n',
        'ses-bounce/last-good.json': JSON.stringify({ savedAt: new Date().toISOString(), sources }),
      },
    })
    assert.equal(code, 1)
    assert.ok(log.some(line => line.includes('ses-bounce-rules.ini:2: [a] ')))
  })

  it('a queue file that is no database stops Haraka, and is not changed', async () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'haraka-'))
    try {
      const file = path.join(dir, 'ses-bounce', 'queue.sqlite')
      const text = 'jobs of somebody else\n'.repeat(1000)
      mkdirSync(path.dirname(file))
      writeFileSync(file, text)
      const { code, log } = await failToBoot({ dir, files: GOOD })
      assert.equal(code, 1)
      assert.ok(
        log.some(line => line.includes(file) && line.includes('it was left as it is')),
        log.join('\n'),
      )
      assert.equal(readFileSync(file, 'utf8'), text)
    } finally {
      rmSync(dir, { recursive: true, force: true })
    }
  })

  it('Haraka works with one process, and says with what', async () => {
    const rules = `[held]\nrecipient = held@yours.example\naction = quarantine\n\n${BOUNCE_ALL}`
    const product = await startFlow({ rules, haraka: { nodes: 0 } })
    try {
      await product.haraka.waitForLog(
        /haraka-plugin-ses-bounce \S+: mode = enforce; relays \S.*; 2 rules; no \[account\] sections; queue in \S+queue\.sqlite; bounces go to http\S+ on this machine, not to SES/,
      )
      const to = ['held@yours.example', 'user@yours.example']
      const { reply, mail } = await relay(product, { to })
      assert.equal(said(reply), '250 Message accepted by policy')
      assert.equal(noted(product.haraka)[0]?.pid, product.haraka.pid)
      assert.equal(keptOf(product, mail).length, 1)
      await bounceOf(product, mail)
    } finally {
      await product.stop()
    }
  })
})

const GOOD = { 'config/ses-bounce.ini': SETTINGS, 'config/ses-bounce-rules.ini': BOUNCE_ALL }

function failToBoot(options: HarakaOptions): ReturnType<typeof expectBootFailure> {
  return expectBootFailure({ ...options, plugins: ['ses-bounce'] })
}
