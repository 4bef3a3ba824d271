import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { explain } from '../../src/cli/explain'
import type { Explanation } from '../../src/cli/explain/explanation'
import { camelKeys } from '../../src/json'
import { FILES, io, lines, object, RULES, run, SAMPLES, SETTINGS, sample } from './explain-support'
import { harakaDirectory, ran, removeDirectories } from './support'

describe('ses-bounce explain', () => {
  afterEach(() => removeDirectories())

  describe('says that a mail would pass untouched, and what the rules say all the same', () => {
    const untouched = async (args: string[], settings: string) => {
      const files = { ...FILES, 'ses-bounce.ini': settings }
      const { untouched, decisions } = await object(args, sample(), files)
      assert.equal(decisions[0]?.action, 'bounce')
      assert.equal(
        (await lines(args, sample(), files)).find(line => line.startsWith('It would pass untouched')),
        untouched && `It would pass untouched: ${untouched}. What the rules say all the same:`,
      )
      return untouched
    }

    it('where no relay is trusted', async () => {
      assert.equal(await untouched([], ''), 'no relay is trusted ([relay] trusted in ses-bounce.ini)')
    })
    it('from a relay that is not trusted', async () => {
      assert.equal(
        await untouched(['--relay', '192.0.2.11'], SETTINGS),
        '192.0.2.11 is not a trusted relay ([relay] trusted in ses-bounce.ini)',
      )
      assert.equal(await untouched(['--relay', '10.255.0.1'], SETTINGS), undefined)
    })
    it('in mode observe', async () => {
      assert.equal(
        await untouched([], `[main]\nmode = observe\n${SETTINGS}`),
        'mode = observe in ses-bounce.ini',
      )
    })
    it('but not from one that logs in', async () => {
      assert.equal(await untouched([], '[relay]\nauth_users = relay\n'), undefined)
    })
  })

  describe('reports mail that Haraka itself would refuse', () => {
    it('by connection.ini', async () => {
      const files = {
        ...FILES,
        'connection.ini': '[max]\nbytes=1000\n[headers]\nmax_received=1\nmax_lines=20\n',
      }
      const { warnings, decisions } = await object([], sample(), files)
      assert.deepEqual(decisions[0]?.detail, 'header is cut')
      assert.deepEqual(warnings, [
        'Haraka itself refuses it: over 1000 bytes ([max] bytes in connection.ini)',
        'Haraka itself refuses it: 2 Received fields ([headers] max_received)',
        'Haraka keeps only the first 20 lines of its header ([headers] max_lines), so it is never bounced',
      ])
    })
  })

  describe('of whatever it is given', () => {
    it('explains each of the stored receipts', async () => {
      const dir = harakaDirectory({
        ...FILES,
        'ses-bounce-rules.ini': '[all]\nbody = *Sample*\naction = bounce\n',
      })
      const names = readdirSync(SAMPLES)
      for (const name of names) {
        const { code, lines, errors } = await ran(out =>
          explain(['--json', '--dir', dir, path.join(SAMPLES, name)], out, {}, io()),
        )
        assert.deepEqual([code, errors], [0, []], name)
        const { receipt, decisions } = camelKeys(JSON.parse(lines[0] ?? '')) as Explanation
        assert.ok(receipt?.sesId, name)
        assert.equal(decisions[0]?.rule, 'all', name)
      }
      const { code, lines } = await ran(out => explain(['--dir', dir, SAMPLES], out, {}, io()))
      assert.deepEqual([code, lines.length > names.length], [0, true])
    })

    it('never throws, and always says something', async () => {
      const dir = harakaDirectory({
        ...FILES,
        'ses-bounce-rules.ini': RULES + '[b]\nbody = /x+y/\naction = drop\n',
      })
      const pieces = [
        'From a\n',
        '\n',
        '\r\n',
        'Subject: =?utf-8?B?',
        'To: <',
        ': ',
        'Content-Type: multipart/mixed; boundary=a\n',
        '--a\n',
        sample().toString().slice(0, 700),
      ]
      const input = fc
        .array(fc.oneof(fc.constantFrom(...pieces.map(text => Buffer.from(text))), fc.uint8Array()))
        .map(parts => Buffer.concat(parts.map(part => Buffer.from(part))))
      await fc.assert(
        fc.asyncProperty(input, fc.boolean(), async (bytes, json) => {
          const args = ['--dir', dir, '--to', 'x@yours.example', ...(json ? ['--json'] : []), '-']
          const { code, lines, errors } = await ran(out => explain(args, out, {}, io(bytes)))
          assert.ok(code === 0 || code === 1)
          assert.ok(lines.length + errors.length > 0)
          if (json) for (const line of lines) JSON.parse(line)
        }),
        { numRuns: 60 },
      )
    })

    it('says of another file that it is hardly a mail', async () => {
      const binary = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 255])
      const { warnings } = await object(['--to', 'x@yours.example'], binary)
      assert.deepEqual(warnings, ['no line at its top is a header field: is this a mail?'])
      const empty = await run([], Buffer.alloc(0))
      assert.deepEqual(empty, { code: 1, lines: [], errors: ['ses-bounce explain: mail.eml: is empty'] })
    })
  })
})
