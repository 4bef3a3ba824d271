// The value of a variable for the endpoint or the queue file is in no error, whichever part made the error.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { hideValue, withoutHidden } from '../../src/config/hidden-values'
import { openOperatorQueue, openWorkerQueue } from '../../src/queue/sqlite/open'
import { builtFile } from '../live/support/package-folder'
import { addJob, HOUR_MS, request, temporaryFolder } from '../queue/support'

const MAIN = builtFile('src/cli/main.js')

describe('the endpoint and the queue file of a variable', () => {
  it('are replaced by the name of their key, in every form that errors have', () => {
    hideValue('ses', 'endpoint', 'https://email.{region}.zqhost.example/zqpath')
    hideValue('ses', 'endpoint', 'http://127.0.0.99:45790')
    hideValue('ses', 'endpoint', 'http://[::1]:45791')
    hideValue('queue', 'path', '../zqfolder/./zqqueue.sqlite')
    hideValue('queue', 'path', 'ses-bounce/zqother.sqlite')
    hideValue('account.one', 'role', 'arn:aws:iam::999999999999:role/zq/zqrole')
    const cases = {
      'getaddrinfo ENOTFOUND email.eu-west-1.zqhost.example': 'getaddrinfo ENOTFOUND [ses] endpoint',
      'connect ECONNREFUSED 127.0.0.99:45790': 'connect ECONNREFUSED [ses] endpoint',
      'connect ECONNREFUSED ::1:45791': 'connect ECONNREFUSED [ses] endpoint',
      'at https://EMAIL.us-east-1.zqhost.example:443.': 'at https://[ses] endpoint.',
      'no token from 127.0.0.99': 'no token from 127.0.0.99',
      '/srv/zqfolder/zqqueue.sqlite: damaged': '/srv/[queue] path: damaged',
      '/srv/zqfolder/zqqueue.sqlite-wal': '/srv/[queue] path-wal',
      "EACCES: mkdir '/srv/zqfolder'": "EACCES: mkdir '/srv/the folder of [queue] path'",
      'ses-bounce: see ses-bounce/kept': 'ses-bounce: see ses-bounce/kept',
      '/srv/xzqfolder': '/srv/xzqfolder',
      'not authorized: sts:AssumeRole on resource: arn:aws:iam::999999999999:role/zq/zqrole':
        'not authorized: sts:AssumeRole on resource: [account.one] role',
      'User: arn:aws:sts::999999999999:assumed-role/zqrole/ses-bounce':
        'User: arn:aws:sts::999999999999:[account.one] role/ses-bounce',
    }
    for (const [text, shown] of Object.entries(cases)) assert.equal(withoutHidden(text), shown)
  })

  it('are in nothing that the commands write, and in no job', async () => {
    const { folder, remove } = temporaryFolder()
    try {
      const held = {
        SB_ENDPOINT: 'http://zqhost.invalid:9',
        SB_PATH: path.join(folder, 'zqfolder/zqqueue.sqlite'),
      }
      mkdirSync(path.join(folder, 'config'))
      const ini =
        '[relay]\ntrusted = 127.0.0.1\n[ses]\nendpoint = env:SB_ENDPOINT\n[queue]\npath = env:SB_PATH\n'
      writeFileSync(path.join(folder, 'config/ses-bounce.ini'), ini)
      const list = ['queue', 'list', '--dir', folder]
      const none = await ran(list, held)
      assert.match(none, /there is no queue at \S*\[queue\] path; Haraka makes it/)
      mkdirSync(path.dirname(held.SB_PATH))
      writeFileSync(held.SB_PATH, 'no queue, but a text that is long enough to be looked at'.repeat(99))
      const damaged = [await ran(list, held), await ran(['dispatch', '--dir', folder], held)].join('\n')
      assert.match(
        damaged,
        /\[queue\] path: this isn't a queue file[^]*\[queue\] path: this isn't a queue file/,
      )
      writeFileSync(held.SB_PATH, '')
      const queue = openWorkerQueue(held.SB_PATH, { create: true })
      const deadlineMs = Date.now() + HOUR_MS
      const { jobId } = addJob(queue, request({ deadlineMs }), Date.now())
      queue.close()
      const sent = await ran(['dispatch', '--dir', folder], held, /temporary/)
      assert.match(sent, /\[ses\] endpoint/)
      const operator = openOperatorQueue(held.SB_PATH, {})
      const kept = JSON.stringify([operator.job(jobId), operator.history(jobId)])
      operator.close()
      assert.match(kept, /\[ses\] endpoint/)
      assert.doesNotMatch([none, damaged, sent, kept].join('\n'), /zq/)
    } finally {
      remove()
    }
  })
})

/** `until`: it is told to end once it has said so; else it ends by itself. */
async function ran(args: string[], held: Record<string, string>, until?: RegExp): Promise<string> {
  const credentials = { AWS_ACCESS_KEY_ID: 'AKIATEST', AWS_SECRET_ACCESS_KEY: 'test' }
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { PATH: process.env['PATH'], ...credentials, ...held },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', chunk => {
      said += String(chunk)
      if (until?.test(said)) child.kill('SIGTERM')
    })
  await once(child, 'close')
  return said
}
