import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { Readable } from 'node:stream'
import { explain } from '../../src/cli/explain'
import { silent } from '../../src/cli/explain/progress'
import { CASES_FILE, test } from '../../src/cli/test'
import { sesMail } from '../live/support/mail'
import { sharedWorkerThreads } from './shared-threads'
import { harakaDirectory, ran, removeDirectories } from './support'

const RULES = `[partners]
sender = @partner.example
action = accept
[virus]
refused.by = clamd
action = quarantine
[unknown]
refused.by = rcpt-ldap, nobody
action = bounce
cap = 100/hour
`
const FILES = {
  'ses-bounce.ini': '[relay]\ntrusted = 192.0.2.10\n',
  'ses-bounce-rules.ini': RULES,
  host_list: 'yours.example\n',
  me: 'mx.yours.example\n',
}
const NOW_MS = Date.UTC(2025, 1, 20, 13, 0, 0)
const MAIL = sesMail({
  recipient: 'user@yours.example',
  sender: 'someone@origin.example',
  receivedAt: new Date(NOW_MS - 60_000),
})
const UNKNOWN = 'rcpt-ldap rcpt 550 5.1.1 No such user'

describe('ses-bounce explain --refused', () => {
  afterEach(() => removeDirectories())

  it('says what becomes of the refusal, and which rules were not asked', async () => {
    const shown = await explained('--refused', UNKNOWN)
    const from = shown.findIndex(line => line.startsWith('user@yours.example: '))
    assert.deepEqual(shown.slice(from, from + 9), [
      'user@yours.example: bounce, by [unknown]',
      '  refused by rcpt-ldap at rcpt: 550 5.1.1 No such user',
      '  ses-bounce-rules.ini:1 [partners] not asked: refused by rcpt-ldap',
      '  ses-bounce-rules.ini:5 [virus] refused.by = clamd: no value matches; it has rcpt-ldap',
      '  ses-bounce-rules.ini:7 [unknown] holds',
      '  SES had this recipient: its Received names it',
      '  no guard prevents the bounce, and it is in time',
      '  SES tells the sender',
      '',
    ])
    assert.ok(shown.some(line => line.includes('"DiagnosticCode": "smtp; 550 5.1.1 No such user"')))
  })

  it('says of each rule about refusals that nobody refused', async () => {
    const shown = await explained()
    assert.ok(shown.includes('  ses-bounce-rules.ini:4 [virus] not asked: nobody refused'), shown.join('\n'))
  })

  it('says why a refusal stands, with its own code', async () => {
    const shown = await explained('--refused', 'x queue 530 5.7.0 Log in')
    assert.ok(shown.includes('user@yours.example: reject, as the refusal stands'), shown.join('\n'))
    assert.ok(
      shown.includes(
        '  ses-bounce-rules.ini:4 [virus] not asked: the refusal stands: 530 is a fault behind Haraka',
      ),
    )
    assert.ok(shown.includes('SMTP reply: 530 5.7.0 Log in'))
    const later = await explained('--refused', 'x rcpt 450 4.7.1 Later')
    assert.ok(later.includes('SMTP reply: 450 4.7.1 Later'))
  })

  it('says that a refuser must be named', async () => {
    const shown = await explained('--refused', 'spf mail 550 5.7.1 No')
    assert.ok(
      shown.includes(`  ses-bounce-rules.ini:4 [virus] not asked: refused.by doesn't name "spf"`),
      shown.join('\n'),
    )
  })

  it('leaves recipients at other domains alone', async () => {
    const shown = await explained('--to', 'x@other.example', '--refused', 'nobody rcpt 550 I cannot deliver')
    assert.ok(shown.includes('x@other.example: reject, as the refusal stands'), shown.join('\n'))
  })

  it('has the refusal in its JSON', async () => {
    const [line = ''] = await explained('--json', '--refused', UNKNOWN)
    const { decisions, rules } = JSON.parse(line)
    assert.deepEqual(decisions[0].refused, {
      by: 'rcpt-ldap',
      stage: 'rcpt',
      code: 550,
      status: '5.1.1',
      reply: 'No such user',
    })
    assert.equal(rules[0].not_asked, 'refused by rcpt-ldap')
  })

  it('is of several refusals, and says what is wrong with one', async () => {
    const shown = await explained('--refused', UNKNOWN, '--refused', 'clamd data 550 5.7.1 Eicar FOUND')
    assert.ok(shown.includes('user@yours.example: quarantine, by [virus]'), shown.join('\n'))
    const { code, errors } = await run('--refused', 'rcpt-ldap rctp 550')
    assert.equal(code, 2)
    assert.match(errors.join('\n'), /--refused names the unknown stage "rctp"; did you mean "rcpt"\?/)
  })
})

describe('a test case with a refusal', () => {
  afterEach(() => removeDirectories())

  it('is decided as the plugin would', async () => {
    assert.deepEqual(
      await tested(`[unknown]
recipient = a@yours.example
refused.by = rcpt-ldap
refused.reply = 550 5.1.1 No such user, sorry
expect.rule = unknown
expect.action = bounce
[accepted]
recipient = a@yours.example
sender = a@partner.example
expect.rule = partners
[stands]
recipient = a@yours.example
sender = a@partner.example
refused.by = access
refused.stage = mail
refused.reply = 553 5.7.1 Not you
expect.rule = none
expect.action = reject
expect.reply = 553 5.7.1 Not you
[one each]
recipient = a@yours.example, b@yours.example, c@yours.example
refused.by = rcpt_to.ldap, , clamd
refused.stage = rcpt, rcpt, rcpt
expect.rule = unknown, none, virus
expect.action = bounce, accept, quarantine
`),
      ['cases: 4 as expected, 0 not'],
    )
  })

  it('says why it is not as expected', async () => {
    assert.deepEqual(
      await tested(`[stands]
recipient = a@yours.example
refused.by = access
expect.rule = unknown
[nobody]
recipient = a@yours.example
expect.rule = unknown
`),
      [
        'ses-bounce-tests.ini:4: [stands] expect.rule = unknown, but it is none for a@yours.example',
        '  a@yours.example: ses-bounce-rules.ini:8 [unknown] refused.by = rcpt-ldap, nobody: no value matches; it has access',
        'ses-bounce-tests.ini:7: [nobody] expect.rule = unknown, but it is none for a@yours.example',
        '  a@yours.example: ses-bounce-rules.ini:7 [unknown] not asked: nobody refused',
        'cases: 0 as expected, 2 not',
      ],
    )
  })

  it('has its mistakes shown', async () => {
    assert.deepEqual(
      await tested(`[stage]
recipient = a@yours.example
refused.by = x, y
refused.stage = rcpt, data, queue
expect.rule = none
[reply]
recipient = a@yours.example
refused.reply = 550 no
expect.rule = none
[words]
recipient = a@yours.example
refused.by = x
refused.stage = rctp
expect.rule = none
`),
      [
        'ses-bounce-tests.ini:4: [stage] "refused.stage" has 3 values, but refused.by has 2; write one for each, or one for all',
        'ses-bounce-tests.ini:8: [reply] "refused.reply" needs refused.by',
        'ses-bounce-tests.ini:13: [words] "refused.stage" can\'t be "rctp"; valid are mail, rcpt, data, queue, delivery; did you mean "rcpt"?',
        '3 errors',
      ],
    )
    assert.deepEqual(
      await tested('[two]\nrecipient = a@yours.example\nrefused.by = x, y\nexpect.rule = none\n'),
      [
        'ses-bounce-tests.ini:1: [two] nothing is decided: refused.by has 2 values, but the mail has 1 recipient',
        'cases: 0 as expected, 1 not',
      ],
    )
  })
})

async function explained(...args: string[]): Promise<string[]> {
  const { code, lines, errors } = await run(...args)
  assert.deepEqual([code, errors], [0, []])
  return lines
}

function run(...args: string[]) {
  const dir = harakaDirectory(FILES)
  const file = path.join(dir, 'mail.eml')
  writeFileSync(file, MAIL.data)
  const io = {
    stdin: Readable.from([]),
    progress: silent,
    nowMs: NOW_MS,
    openWorkerThreads: sharedWorkerThreads,
  }
  return ran(out => explain(['--dir', dir, ...args, file], out, {}, io))
}

async function tested(cases: string): Promise<string[]> {
  const dir = harakaDirectory({ ...FILES, [CASES_FILE]: cases })
  const { lines } = await ran(out =>
    test(['--dir', dir], out, {}, { nowMs: NOW_MS, openWorkerThreads: sharedWorkerThreads }),
  )
  return lines
}
