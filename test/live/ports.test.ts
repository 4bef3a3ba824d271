import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { listens, startHaraka } from './support/haraka'
import { freePort } from './support/ports'

const PROCESSES = 4
const PORTS = 120
/** Says which ports it is given, and ends with its input. */
const ASK = [
  '--require',
  'tsx/cjs',
  '--eval',
  `const { freePort } = require(${JSON.stringify(path.join(__dirname, 'support/ports.ts'))})
   Promise.all(Array.from({ length: ${PORTS} }, freePort)).then(ports => console.log(JSON.stringify(ports)))
   process.stdin.resume()`,
]

describe('the ports of live tests', () => {
  it('are given to one process only, however many ask at the same time', async () => {
    const children = Array.from({ length: PROCESSES }, () =>
      spawn(process.execPath, ASK, { stdio: ['pipe', 'pipe', 'inherit'] }),
    )
    // each lives on until all have been given theirs
    const given = await Promise.all(
      children.map(async ({ stdout }) => (await once(stdout, 'data')) as [Buffer]),
    )
    for (const { stdin } of children) stdin.end()
    const all = given.flatMap(([answer]) => JSON.parse(answer.toString()) as number[])
    assert.equal(all.length, PROCESSES * PORTS)
    assert.equal(new Set(all).size, all.length)
    for (const port of all) assert.ok(port >= 10_000 && port < 30_000, `${port}`)
  })

  it('are not given while a server listens on them', async () => {
    const first = await freePort()
    const server = createServer()
    await new Promise<void>(resolve => server.listen(first + 1, '127.0.0.1', resolve))
    try {
      assert.equal(await freePort(), first + 2)
    } finally {
      server.close()
    }
  })
})

describe('a Haraka of a live test', () => {
  it('does not count as started when another server answers on its port', async function () {
    if (!existsSync('/proc/self/stat')) this.skip()
    const haraka = await startHaraka()
    try {
      assert.ok(listens(haraka.port, haraka.family()))
      const self = { pid: process.pid, parentPid: 0, cmdline: '' }
      assert.ok(!listens(haraka.port, [self]))
    } finally {
      await haraka.stop()
      haraka.remove()
    }
  })
})
