// Metrics of a Haraka with two workers and its dispatcher: whoever is asked says what all of them have counted.

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { type Family, readOpenMetrics } from '../http/open-metrics'
import { noted, relay } from './support/flow'
import { askHttp, startServed, TOKEN } from './support/http'
import { BOUNCE_ALL, type Product } from './support/product'
import { until } from './support/wait'

describe('metrics of a Haraka with two workers', function () {
  let product: Product
  let port: number

  before(async () => {
    ;({ product, port } = await startServed(BOUNCE_ALL))
  })
  after(() => product?.stop())

  const ask = (authorization: string) => askHttp(port, '/metrics', { authorization })

  async function scrape(): Promise<Family[]> {
    const { status, text } = await ask(`Bearer ${TOKEN}`)
    assert.equal(status, 200, text)
    return readOpenMetrics(text)
  }

  /** The sum of a metric's samples that have these labels. */
  function sumOf(families: readonly Family[], name: string, labels: Record<string, string> = {}): number {
    const samples = families.find(family => family.name === `ses_bounce_${name}`)?.samples ?? []
    return samples
      .filter(sample => Object.entries(labels).every(([key, value]) => sample.labels[key] === value))
      .reduce((sum, { value }) => sum + value, 0)
  }

  const scraped = (name: string, labels: Record<string, string>, value: number) =>
    until(async () => sumOf(await scrape(), name, labels) === value, {
      what: `${value} of ${name} ${JSON.stringify(labels)}`,
    })

  it('need the token', async () => {
    assert.equal((await ask('Bearer another')).status, 401)
    assert.equal((await ask(`Bearer ${TOKEN}`)).status, 200)
  })

  it('are the same whichever is asked: what both have decided, and what the dispatcher has sent', async () => {
    let mails = 0
    const pids = () => new Set(noted(product.haraka).map(({ pid }) => pid)).size
    while (pids() < 2) {
      const { reply } = await relay(product, { sender: `someone${mails}@origin.example` })
      assert.equal(reply.code, 250)
      mails += 1
    }
    await scraped('mails_inspected', {}, mails)
    await scraped('decisions', { rule: 'unknown-mailbox', action: 'bounce', mode: 'enforce' }, mails)
    await scraped('calls', { region: 'eu-west-1', outcome: 'sent' }, mails)
    await scraped('jobs_ended', { region: 'eu-west-1', state: 'sent' }, mails)
    for (let n = 0; n < 4; n++) {
      const families = await scrape()
      assert.equal(sumOf(families, 'mails_inspected'), mails)
      assert.equal(sumOf(families, 'jobs', { region: 'eu-west-1', state: 'sent' }), mails)
      assert.equal(sumOf(families, 'dispatcher_up'), 1)
      const calls = families.find(({ name }) => name === 'ses_bounce_call_duration_seconds')
      assert.equal(calls?.samples.find(({ name }) => name.endsWith('_count'))?.value, mails)
    }
  })

  it('show once that the configuration has errors, and that they are fixed', async () => {
    const rules = path.join(product.haraka.dir, 'config/ses-bounce-rules.ini')
    writeFileSync(rules, '[broken]\naction = bouncing\n')
    await scraped('config_reloads', { result: 'refused' }, 1)
    assert.equal(sumOf(await scrape(), 'config_last_reload_successful'), 0)
    writeFileSync(rules, `${BOUNCE_ALL}\n[more]\nsubject = more\naction = drop\n`)
    await scraped('config_reloads', { result: 'taken' }, 2)
    assert.equal(sumOf(await scrape(), 'config_last_reload_successful'), 1)
  })
})
