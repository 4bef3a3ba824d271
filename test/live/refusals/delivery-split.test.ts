// Several recipients at queue/smtp_forward: it would give one refusal for all of them, so Haraka's outbound delivers to the
// same server, and each recipient gets its own.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import {
  dsnRecipients,
  type MovableServer,
  ONE_MORE_TRY,
  queued,
  route,
  startDelivery,
  startMovableServer,
  untilDelivered,
} from '../support/delivery'
import { callsFor, deliveredOf, keptOf, recipientsOf, relay, said } from '../support/flow'
import type { SesMail } from '../support/mail'
import { type MailServer, startMailServer } from '../support/mail-server'
import type { Ini, Product } from '../support/product'
import { until } from '../support/wait'

const FORWARDED = '[forwarded]\nrefused.stage = queue, delivery\naction = bounce\n'
const OTHERS = '[others]\nrefused.by = rcpt-ldap, nobody\naction = bounce\n'

describe('mail that queue/smtp_forward would give to a server', function () {
  let product: Product
  let server: MovableServer
  let origin: MailServer
  /** The configuration with which `product` was started, while it runs. */
  let startedWith: string | undefined
  before(async () => {
    server = await startMovableServer()
    origin = await startMailServer()
  })
  beforeEach(() => {
    for (const replies of Object.values(server.refuse)) replies.clear()
    for (const { accepted } of [server, origin]) accepted.length = 0
  })
  after(async () => {
    await stop()
    await server.close()
    await origin.close()
  })

  async function stop(): Promise<void> {
    if (startedWith === undefined) return
    startedWith = undefined
    await product.stop()
  }

  /** The one that runs is used again where it was started with the same. */
  async function start({
    rules = FORWARDED,
    ini = {},
    forward = '',
    plugins = ['ses-bounce', 'probe', 'queue/smtp_forward'],
    files = {},
    outbound = 'temp_fail_intervals=none\n',
  }: {
    rules?: string
    ini?: Ini
    forward?: string
    plugins?: string[]
    files?: Record<string, string>
    outbound?: string
  } = {}): Promise<void> {
    const options = {
      rules,
      ini,
      plugins,
      outbound,
      files: {
        'config/smtp_forward.ini': forward || `host=127.0.0.1\nport=${server.port}\n`,
        ...files,
      },
    }
    const text = JSON.stringify(options)
    if (text === startedWith) return
    await stop()
    product = await startDelivery(options)
    startedWith = text
    route(product, { 'origin.example': origin.port })
  }

  const accepted = ({ sesId }: SesMail) =>
    server.accepted
      .filter(({ data }) => data.includes(sesId))
      .flatMap(({ to }) => to)
      .toSorted()

  async function bouncedOf(mail: SesMail): Promise<string[]> {
    const calls = await callsFor(product, mail)
    return calls.flatMap(({ input }) => (input ? recipientsOf(input) : [])).toSorted()
  }

  const TO = ['one@yours.example', 'no@yours.example', 'two@yours.example', 'full@yours.example']
  const refuseTwo = () => {
    server.refuse.rcpt.set('no@yours.example', '550 5.1.1 No such user')
    server.refuse.rcpt.set('full@yours.example', '552 5.2.2 Over quota')
  }

  it('is delivered to each of several recipients that the server accepts, and bounced for the others', async () => {
    await start()
    refuseTwo()
    const { reply, mail } = await relay(product, { to: TO })
    assert.match(said(reply), /^250 Message Queued/)
    await untilDelivered(product)
    assert.deepEqual(accepted(mail), ['one@yours.example', 'two@yours.example'])
    assert.deepEqual(await bouncedOf(mail), ['full@yours.example', 'no@yours.example'])
    assert.deepEqual(dsnRecipients(origin), [])
    assert.deepEqual(keptOf(product, mail), [])
  })

  it('is forwarded for a single recipient, whose refusal comes in the same session', async () => {
    await start()
    const { reply, mail } = await relay(product, { to: ['one@yours.example'] })
    assert.doesNotMatch(said(reply), /Queued/)
    assert.equal(reply.code, 250)
    assert.deepEqual(accepted(mail), ['one@yours.example'])
  })

  it('is bounced for all recipients when the server refuses at the end of the data', async () => {
    await start()
    server.refuse.dot.set('one@yours.example', '554 5.6.0 We want no such content')
    const { mail } = await relay(product, { to: ['one@yours.example', 'two@yours.example'] })
    await untilDelivered(product)
    assert.deepEqual(await bouncedOf(mail), ['one@yours.example', 'two@yours.example'])
    assert.deepEqual(accepted(mail), [])
  })

  it('leaves mail of other peers to queue/smtp_forward', async () => {
    await start()
    const { reply, mail } = await relay(product, {
      to: ['one@yours.example', 'two@yours.example'],
      connect: { localAddress: '127.0.0.9' },
    })
    assert.doesNotMatch(said(reply), /Queued/)
    assert.deepEqual(accepted(mail), ['one@yours.example', 'two@yours.example'])
    assert.deepEqual(deliveredOf(product, mail), [])
  })

  it('goes to the servers of a pool', async () => {
    await start({ forward: `forwarding_host_pool=127.0.0.1:1,127.0.0.1:${server.port}\n` })
    refuseTwo()
    const { mail } = await relay(product, { to: TO })
    await untilDelivered(product)
    assert.deepEqual(accepted(mail), ['one@yours.example', 'two@yours.example'])
    assert.deepEqual(await bouncedOf(mail), ['full@yours.example', 'no@yours.example'])
  })

  it('goes to a server that wants a password, which is not written into a queued mail', async () => {
    const login = { user: 'haraka', password: 'horse battery' }
    const locked = await startMovableServer({ login })
    const auth = `auth_type=plain\nauth_user=${login.user}\nauth_pass=${login.password}\n`
    await start({ forward: `host=127.0.0.1\nport=${locked.port}\n${auth}`, outbound: ONE_MORE_TRY })
    locked.refuse.rcpt.set('two@yours.example', '451 4.7.1 Come back')
    const { mail } = await relay(product, { to: ['one@yours.example', 'two@yours.example'] })
    await product.haraka.waitForLog('Temp failing')
    const someOf = (all: string[]) => all.length > 0 && all
    const textsOf = () => queued(product).flatMap(name => queuedText(product, name))
    const texts = await until(() => someOf(textsOf()), { what: 'a queued mail' })
    for (const text of texts) {
      assert.ok(text.includes(mail.sesId))
      assert.ok(!text.includes(login.password))
    }
    locked.refuse.rcpt.clear()
    await untilDelivered(product)
    await locked.close()
    const to = locked.accepted.filter(({ data }) => data.includes(mail.sesId)).flatMap(one => one.to)
    assert.deepEqual(to, ['one@yours.example', 'two@yours.example'])
  })

  it('passes the queue plugins that stand before it first', async () => {
    await start({
      plugins: ['ses-bounce', 'probe', 'before', 'queue/smtp_forward'],
      files: {
        'plugins/before.js': `exports.hook_queue = (next, connection) => {
  connection.transaction.rcpt_to = connection.transaction.rcpt_to.filter(({ user }) => user !== 'two')
  next()
}
`,
      },
    })
    const { mail } = await relay(product, {
      to: ['one@yours.example', 'two@yours.example', 'three@yours.example'],
    })
    await untilDelivered(product)
    assert.deepEqual(accepted(mail), ['one@yours.example', 'three@yours.example'])
  })

  describe('stays with queue/smtp_forward', () => {
    const cases: Record<string, Parameters<typeof start>[0]> = {
      'where no rule is about a queue or a delivery': { rules: OTHERS },
      'with split = false': { rules: OTHERS, ini: { delivery: { split: 'false' } } },
      'where the rule is only observed': { rules: `${FORWARDED}mode = observe\n` },
      'in mode observe': { ini: { main: { mode: 'observe' } } },
    }
    for (const [why, options] of Object.entries(cases)) {
      it(why, async () => {
        await start(options)
        const { reply, mail } = await relay(product, { to: ['one@yours.example', 'two@yours.example'] })
        assert.equal(reply.code, 250)
        assert.doesNotMatch(said(reply), /Queued/)
        assert.deepEqual(accepted(mail), ['one@yours.example', 'two@yours.example'])
      })
    }
  })

  it('goes to outbound with split = true, though no rule is about it', async () => {
    await start({ rules: OTHERS, ini: { delivery: { split: 'true' } } })
    refuseTwo()
    const { reply, mail } = await relay(product, { to: TO })
    assert.match(said(reply), /^250 Message Queued/)
    await untilDelivered(product)
    assert.deepEqual(accepted(mail), ['one@yours.example', 'two@yours.example'])
    assert.deepEqual(await bouncedOf(mail), [])
    assert.deepEqual(dsnRecipients(origin).toSorted(), ['full@yours.example', 'no@yours.example'])
  })

  it('is guarded against backscatter, though the rule is only about the queue', async () => {
    await start({ rules: '[forwarded]\nrefused.stage = queue\naction = bounce\n' })
    refuseTwo()
    const { mail } = await relay(product, { to: TO, spf: 'fail', dkim: [], dmarc: null })
    await untilDelivered(product)
    assert.deepEqual(accepted(mail), ['one@yours.example', 'two@yours.example'])
    assert.deepEqual(dsnRecipients(origin), [])
    assert.deepEqual(
      keptOf(product, mail)
        .flatMap(({ record }) => record.held.map(({ recipient }) => recipient))
        .toSorted(),
      ['full@yours.example', 'no@yours.example'],
    )
  })
})

/** Empty: Haraka has renamed or removed the file meanwhile. */
function queuedText({ haraka }: Product, name: string): string[] {
  try {
    return [readFileSync(path.join(haraka.dir, 'queue', name), 'latin1')]
  } catch {
    return []
  }
}
