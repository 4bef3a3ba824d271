// One Haraka whose queue is in a database that is reached through a proxy: what happens at boot, and what happens while the
// database can't be reached.

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { Client } from 'pg'
import { TcpProxy } from '../postgres/proxy'
import { DATABASE, LOGIN } from '../postgres/server'
import { type FreshSchema, freshSchema, sharedPort } from '../postgres/shared'
import { expectBootFailure } from './support/haraka'
import { type Ini, iniText, type Product, startProduct } from './support/product'
import { until } from './support/wait'

const PASSWORD = 'hunter2-hunter2'
const TIMEOUT_MS = 2000
/** [queue] timeout twice, and a loaded machine. */
const LONGEST_REPLY_MS = 2 * TIMEOUT_MS + 2000

const RULES = '[gone]\nrecipient = gone@yours.example\naction = bounce\nbounce.type = DoesNotExist\n'

describe('a Haraka whose queue is in a database', () => {
  let schema: FreshSchema
  let proxy: TcpProxy
  let product: Product | undefined
  beforeEach(async () => {
    schema = await freshSchema()
    proxy = await TcpProxy.start(await sharedPort())
  })
  afterEach(async () => {
    await product?.stop()
    product = undefined
    await proxy.close()
    await schema.remove()
  })

  const place = () => `127.0.0.1:${proxy.port}/${DATABASE}`

  function ini(queue: Record<string, string> = {}): Ini {
    return {
      queue: {
        store: 'postgres',
        url: `postgres://${LOGIN}@${place()}`,
        schema: schema.schema,
        timeout: `${TIMEOUT_MS}ms`,
        ...queue,
      },
    }
  }

  async function start(queue: Record<string, string> = {}): Promise<Product> {
    product = await startProduct({ ini: ini(queue), rules: RULES })
    return product
  }

  const toGone = (to: Product) => to.deliver({ recipient: 'gone@yours.example' })
  const toOthers = (to: Product) => to.deliver({ recipient: 'anna@yours.example' })

  /** The replies to a mail that a rule is about, and to another one. */
  async function replies(to: Product) {
    const startMs = performance.now()
    const gone = (await toGone(to)).reply.code
    const tookMs = performance.now() - startMs
    assert.ok(tookMs < LONGEST_REPLY_MS, `the reply took ${tookMs} ms`)
    return [gone, (await toOthers(to)).reply.code]
  }

  it('makes the schema, and bounces', async () => {
    const haraka = await start()
    assert.deepEqual(await replies(haraka), [250, 250])
    await haraka.calls(1)
    const log = haraka.haraka.log().join('\n')
    assert.match(log, /dispatcher: leads, term 1/)
    assert.match(log, /\[quarantine\] each host keeps quarantined mail in a folder of its own/)
  })

  it('starts while the database is away, answers 450 to mail that a rule is about, and bounces once it is back', async () => {
    proxy.cut()
    const haraka = await start()
    assert.deepEqual(await replies(haraka), [450, 250])
    for (let more = 0; more < 2; more++) assert.equal((await toGone(haraka)).reply.code, 450)
    const log = () => haraka.haraka.log().join('\n')
    assert.ok(log().includes(`the dispatcher can't be started: ${place()}: `), log())
    // the next line comes after a minute
    assert.ok(log().split('temporary refusal: ').length - 1 < 3, log())
    proxy.heal()
    await until(async () => (await toGone(haraka)).reply.code === 250, { what: 'a mail that is accepted' })
    await haraka.calls(1)
  })

  it('answers 450 in time while the database is cut off or silent, and goes on by itself', async () => {
    const haraka = await start()
    assert.deepEqual(await replies(haraka), [250, 250])
    for (const harm of [() => proxy.cut(), () => proxy.hole()]) {
      harm()
      for (let n = 0; n < 3; n++) assert.deepEqual(await replies(haraka), [450, 250])
      proxy.heal()
      await until(async () => (await toGone(haraka)).reply.code === 250, { what: 'a mail that is accepted' })
    }
    await haraka.calls(3)
  })

  it('stops at boot where an operator must make the tables first, and says how', async () => {
    const { code, log } = await expectBootFailure(options({ migrate: 'by hand' }))
    assert.equal(code, 1)
    assert.match(log.join('\n'), /run node_modules\/\.bin\/ses-bounce queue migrate/)
    assert.ok(log.join('\n').includes(`${place()}: `))
  })

  it('stops at boot where the tables are of a later version', async () => {
    await (await start()).stop()
    product = undefined
    const client = new Client({ connectionString: schema.url })
    await client.connect()
    await client.query(`UPDATE ${schema.schema}.meta SET version = 9999, least_reader = 9999`)
    await client.end()
    const { code, log } = await expectBootFailure(options())
    assert.equal(code, 1)
    assert.match(log.join('\n'), /9999/)
  })

  it('keeps its password to itself, and says what takes effect at the next start only', async () => {
    const haraka = await start({ password: PASSWORD })
    assert.deepEqual(await replies(haraka), [250, 250])
    const { dir } = haraka.haraka
    const file = path.join(dir, 'config/ses-bounce.ini')
    const saved = readFileSync(path.join(dir, 'ses-bounce/last-good.json'), 'utf8')
    assert.match(saved, /store = postgres/)
    assert.doesNotMatch(saved, /hunter2/)
    for (const { pid, cmdline } of haraka.haraka.family()) {
      assert.doesNotMatch(cmdline, /hunter2/)
      assert.doesNotMatch(readFileSync(`/proc/${pid}/environ`, 'utf8'), /hunter2/)
    }
    const text = readFileSync(file, 'utf8')
    writeFileSync(
      file,
      text
        .replace(/^schema = .*$/m, 'schema = elsewhere\nconnections = 3')
        .replace(PASSWORD, 'another-password'),
    )
    const log = () => haraka.haraka.log().join('\n')
    await until(() => /configuration reloaded/.test(log()), { what: 'the reload' })
    await until(() => /\[queue\] .*take effect when Haraka starts again/.test(log()), { what: 'the warning' })
    const [, keys = ''] = /\[queue\] (.*) take effect when Haraka starts again/.exec(log()) ?? []
    assert.deepEqual(keys.split(', ').toSorted(), ['connections', 'schema'])
    assert.doesNotMatch(log(), /hunter2|another-password/)
    assert.deepEqual(await replies(haraka), [250, 250])
  })

  function options(queue: Record<string, string> = {}) {
    return {
      plugins: ['ses-bounce', 'accept_all', 'capture'],
      files: {
        'config/host_list': 'yours.example\n',
        'config/ses-bounce.ini': iniText(ini(queue), 'local'),
        'config/ses-bounce-rules.ini': RULES,
      },
    }
  }
})
