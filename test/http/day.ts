// A queue as an administrator may find it in the afternoon: three hours of bounces, a burst that waits, and troubles.
// The same each time it is made, for pictures of the page and for tests in a browser.

import assert from 'node:assert/strict'
import { MetricsBuffer } from '../../src/queue/metrics-buffer'
import { openCounterStore } from '../../src/queue/sqlite/open'
import type { Effect } from '../../src/queue/store'
import { HOUR_MS, request, setSpacing } from '../queue/support'
import { type Api, NOW_MS } from './api-support'

const MINUTE_MS = 60_000
const SPACING = { spacingMs: 1000, notBeforeMonoMs: 0, longestPauseMs: HOUR_MS }
const NAMES = ['ada', 'bruno', 'chen', 'dora', 'emil', 'fatima', 'goran', 'hana']
const HOSTS = ['origin.example', 'shop.example', 'news.example', 'lists.example']
const KINDS = [
  { rule: 'unknown-mailbox', address: 'nobody', bounceType: 'DoesNotExist', status: '5.1.1' },
  { rule: 'retired', address: 'old-sales', bounceType: 'DoesNotExist', status: '5.1.6' },
  { rule: 'big-attachments', address: 'support', bounceType: 'MessageTooLarge', status: '5.3.4' },
  { rule: 'partners-only', address: 'orders', bounceType: 'ContentRejected', status: '5.7.1' },
] as const

/** Mails that came in each five minutes. */
const CAME = [
  4, 6, 5, 9, 12, 8, 6, 5, 7, 4, 3, 6, 22, 61, 74, 38, 12, 9, 6, 8, 5, 7, 9, 11, 14, 9, 6, 5, 4, 8, 6, 9, 12,
  31, 96, 140,
]
/** How long some of them had been on their way. */
const LAGS_H = [0, 0, 1, 0, 5, 0, 0, 9, 0, 0, 14, 0, 3]
/** Calls of each five minutes, while SES throttles, and else. */
const MOST_CALLS = { throttled: 30, else: 70 }

export const RULES = KINDS.map(
  ({ rule, address, bounceType }) =>
    `[${rule}]\nrecipient = ${address}@yours.example\naction = bounce\nbounce.type = ${bounceType}\n`,
).join('\n')

/** `api`: started with RULES. `cameEach`: mails in each of the last spans of five minutes. */
export function fillDay(api: Api, cameEach: readonly number[] = CAME): void {
  const startMs = NOW_MS - cameEach.length * 5 * MINUTE_MS
  let made = 0
  for (const [index, came] of cameEach.entries()) {
    const fromMs = startMs + index * 5 * MINUTE_MS
    for (let n = 0; n < came; n++) {
      add(api, made, Math.floor(fromMs + (n / came) * 5 * MINUTE_MS))
      made += 1
    }
    const isThrottled = index >= cameEach.length - 2
    for (let n = 0; n < (isThrottled ? MOST_CALLS.throttled : MOST_CALLS.else); n++)
      call(api, fromMs + 5 * MINUTE_MS - 1000 + n, n, isThrottled)
  }
  setSpacing(api.dispatcher, 1000, new Map([['eu-west-1', 1500]]))
  api.clock.ms = NOW_MS
  count(api, made)
}

function kindOf(index: number): (typeof KINDS)[number] {
  return KINDS[[0, 0, 1, 0, 2, 0, 3, 1][index % 8] ?? 0] ?? KINDS[0]
}

function sesIdOf(index: number): string {
  const number = (0x9e37_79b9 * (index + 1)) % 2 ** 32
  return `${number.toString(32)}q1h8s0v2mndj4b7u6tkgaoc5rfl9ep3i`.slice(0, 38)
}

function senderOf(index: number): string {
  return `${NAMES[index % NAMES.length]}@${HOSTS[index % HOSTS.length]}`
}

function add(api: Api, index: number, nowMs: number): void {
  const { rule, address, bounceType, status } = kindOf(index)
  const receivedAtMs = nowMs - 2000 - (LAGS_H[index % LAGS_H.length] ?? 0) * HOUR_MS
  api.queue.add(
    [
      request({
        sesId: sesIdOf(index),
        region: index % 5 === 4 ? 'us-east-1' : 'eu-west-1',
        receivedAtMs,
        deadlineMs: receivedAtMs + 24 * HOUR_MS,
        sender: senderOf(index),
        rule,
        recipient: { address: `${address}@yours.example`, bounceType, status },
      }),
    ],
    nowMs,
  )
}

function call(api: Api, nowMs: number, index: number, isThrottled: boolean): void {
  const region = index % 5 === 4 ? 'us-east-1' : 'eu-west-1'
  api.clock.monoMs += 2000
  const now = { ms: nowMs, monoMs: api.clock.monoMs }
  api.dispatcher.heartbeat(now.monoMs)
  const claim = api.dispatcher.claim(region, now, SPACING)
  if (claim === undefined) return
  api.dispatcher.begin(claim, now)
  const slowdown = isThrottled && region === 'eu-west-1' ? 1.5 : 1
  api.dispatcher.settle(claim, effectOf(index), { ms: now.ms, seenMonoMs: now.monoMs, slowdown })
}

function effectOf(index: number): Effect {
  return index % 23 === 22
    ? { state: 'failed', detail: 'InvalidParameterValue: the message is not known' }
    : { state: 'sent', messageId: `0102${index.toString(16).padStart(8, '0')}`, detail: 'as 0102' }
}

function count(api: Api, made: number): void {
  const metricsBuffer = new MetricsBuffer()
  for (let index = 0; index < made; index++)
    metricsBuffer.hit(kindOf(index).rule, NOW_MS - (made - index) * 15_000)
  for (let index = 0; index < 12; index++) {
    const number = made - 12 + index
    const { rule, address } = kindOf(number)
    metricsBuffer.decided({
      atMs: NOW_MS - (12 - index) * 4000,
      sesId: sesIdOf(number),
      recipient: `${address}@yours.example`,
      rule,
      action: index % 5 === 3 ? 'quarantine' : 'bounce',
      sender: senderOf(number),
      ...(index % 5 === 3 && { reason: 'unsafe' as const, detail: 'not authenticated' }),
      isObserved: false,
    })
  }
  metricsBuffer.reloaded({ atMs: NOW_MS - 5 * HOUR_MS, state: 'first', errors: [] })
  metricsBuffer.reloaded({
    atMs: NOW_MS - 42 * MINUTE_MS,
    state: 'edited',
    errors: [
      'config/ses-bounce-rules.ini:14: "bounc.type": there is no such key; did you mean "bounce.type"?',
    ],
  })
  const store = openCounterStore(api.file)
  metricsBuffer.flushTo(counted => store.add(counted))
  store.close()
  assert.equal(api.operator.pause('us-east-1', NOW_MS - 12 * MINUTE_MS), true)
}
