// `check` with Haraka's own files: the line of the plugin, other plugins, domains, the host's name, owners.

import assert from 'node:assert/strict'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { check } from '../../src/cli/check'

const RELAY = '[relay]\ntrusted = 192.0.2.10\n'
const RULES = '[unknown]\nrecipient = gone@yours.example\naction = bounce\n'

describe("check of Haraka's own files", () => {
  const made: string[] = []
  afterEach(() => {
    for (const dir of made.splice(0)) rmSync(dir, { recursive: true, force: true })
  })

  function directory(files: Record<string, string>): string {
    const dir = mkdtempSync(path.join(tmpdir(), 'ses-bounce-install-'))
    made.push(dir)
    mkdirSync(path.join(dir, 'config'))
    const all = { 'ses-bounce.ini': RELAY, 'ses-bounce-rules.ini': RULES, ...files }
    for (const [name, text] of Object.entries(all)) writeFileSync(path.join(dir, 'config', name), text)
    return dir
  }

  /** The warnings; there is nothing else but the sum. */
  async function warningsIn(dir: string): Promise<string[]> {
    const lines: string[] = []
    const out = { line: (text: string) => void lines.push(text), error: (text: string) => assert.fail(text) }
    assert.equal(await check(['--dir', dir], out, {}), 0)
    return lines.slice(0, -1)
  }
  const warnings = (files: Record<string, string>) => warningsIn(directory(files))

  it('warns of the plugin that is loaded twice, also under its two names', async () => {
    const twice = 'warning: Haraka loads this plugin twice, as line 1 names it already; remove this line'
    for (const second of ['ses-bounce', 'haraka-plugin-ses-bounce'])
      assert.deepEqual(await warnings({ plugins: `ses-bounce\nqueue/lmtp\n ${second}\n` }), [
        `plugins:3: ${twice}`,
      ])
    assert.deepEqual(await warnings({ plugins: '#ses-bounce\nses-bounce\n' }), [])
  })

  it("warns of a rule's domain that neither host_list nor [relay] domains names, once for each condition", async () => {
    const rules = `[one]
recipient = gone@yours.example, @other.example, a@other.example, @*.glob.example, /x@regex.example/
action = bounce

[two]
envelope.recipient = @.below.example, file:addresses
action = reject

[senders]
sender = @anywhere.example
not.recipient = @elsewhere.example
action = reject
`
    const addresses = 'a@listed.example\nb@yours.example\n'
    const files = { 'ses-bounce-rules.ini': rules, addresses }
    const domains = (lines: string[]) =>
      lines.flatMap(
        line =>
          /^(ses-bounce-rules\.ini:\d+: \[\w+\]) warning: neither .* names "([^"]+)"/
            .exec(line)
            ?.slice(1)
            .join(' ') ?? [],
      )
    assert.deepEqual(domains(await warnings({ ...files, host_list: 'yours.example\n' })), [
      'ses-bounce-rules.ini:2: [one] other.example',
      'ses-bounce-rules.ini:6: [two] below.example',
      'ses-bounce-rules.ini:6: [two] listed.example',
    ])
    const known = {
      ...files,
      host_list: 'yours.example\na.below.example\n',
      host_list_regex: 'other\\.example\n',
      'ses-bounce.ini': `${RELAY}domains = listed.example\n`,
    }
    assert.deepEqual(domains(await warnings(known)), [])
    // a directory without both lists isn't Haraka's own
    assert.deepEqual(domains(await warnings(files)), [])
  })

  const REFUSERS = [
    'access',
    'mail_from.access',
    'karma',
    'dnsbl',
    'dns-list',
    'connect.fcrdns',
    'spf',
    'helo.checks',
    'greylist',
    'mail_from.is_resolvable',
    'attachment',
    'haraka-plugin-headers',
    'data.uribl',
    'rspamd',
    'clamd',
    'bounce',
  ]

  it('warns of each plugin that refuses mail before the rules see it, under both of its names, and says what to do', async () => {
    for (const plugin of REFUSERS) {
      const [only = '', ...more] = await warnings({ plugins: `${plugin}\nses-bounce\n` })
      assert.match(only, /^plugins:1: warning: "[^"]+"(?: \([^)]+\))? (?:refuses|judges) .+; .+/, plugin)
      assert.deepEqual(more, [])
    }
  })

  it('says nothing of a plugin whose refusals a rule turns into something else, or that refuses no mail', async () => {
    const rule = (plugin: string) => `[refused]\nrefused.by = ${plugin}\naction = quarantine\n`
    for (const plugin of ['access', 'attachment', 'mail_from.is_resolvable', 'karma', 'bounce'])
      assert.deepEqual(
        await warnings({ plugins: `${plugin}\nses-bounce\n`, 'ses-bounce-rules.ini': rule(plugin) }),
        [],
        plugin,
      )
    const others = ['relay', 'tls', 'auth/flat_file', 'syslog', 'queue/lmtp', 'process_title', 'aliases']
    assert.deepEqual(await warnings({ plugins: `${others.join('\n')}\nses-bounce\n` }), [])
  })

  it('warns of a me that nobody can look up, unless [ses] reporting_mta names another', async () => {
    const told = async (me: string, more = '') =>
      (await warnings({ me, 'ses-bounce.ini': RELAY + more })).filter(line => line.startsWith('me:'))
    for (const me of [
      'mailhost',
      'localhost',
      'mail.localdomain',
      'mx.corp.local',
      'mail.lan\n',
      '10.0.0.7',
      'ip-10-0-0-7.ec2.internal',
    ])
      assert.equal((await told(me)).length, 1, me)
    for (const me of ['mx.amazon.com', 'mail.example.com\n', 'mx.yours.example', '', 'mx1.firma.co.uk'])
      assert.deepEqual(await told(me), [], me)
    assert.deepEqual(await told('mailhost', '[ses]\nreporting_mta = dns; mx.example.com\n'), [])
  })

  it('warns of a limit of [max] bytes below 40 MB where ses-bounce relay hands mail over', async () => {
    const sqs = `recipients = kept
[relay.sqs]
queue_url = https://sqs.eu-west-1.amazonaws.com/123456789012/mail
dead_letter_url = https://sqs.eu-west-1.amazonaws.com/123456789012/dead
buckets = mail-of-yours
domains = yours.example
`
    const limited = (bytes: number) => ({ 'connection.ini': `[max]\nbytes=${bytes}\n` })
    assert.deepEqual(await warnings({ 'ses-bounce.ini': RELAY + sqs, ...limited(26_214_400) }), [
      'connection.ini:2: [max] warning: Haraka refuses mail over 25 MB, which "ses-bounce relay" then moves to the dead-letter queue; bytes = 46000000 allows all mail that SES accepts',
    ])
    assert.deepEqual(await warnings({ 'ses-bounce.ini': RELAY + sqs, ...limited(46_000_000) }), [])
    assert.deepEqual(await warnings(limited(26_214_400)), [])
  })

  describe("of files that the workers' user can't use", function () {
    before(function () {
      if (process.getuid?.() !== 0) this.skip()
    })
    const THEIRS = { 'smtp.ini': 'user=65534\ngroup=65534\n' }

    it('names a file of the configuration that they may not read', async () => {
      const dir = directory(THEIRS)
      chmodSync(path.join(dir, 'config/ses-bounce-rules.ini'), 0o600)
      const [only = '', ...more] = await warningsIn(dir)
      assert.match(
        only,
        /^ses-bounce-rules\.ini: warning: the user that Haraka's workers run as \(uid 65534\) can't read it, .*; run: chgrp 65534 \S+ && chmod g\+r \S+$/,
      )
      assert.deepEqual(more, [])
      chownSync(path.join(dir, 'config/ses-bounce-rules.ini'), 65534, 65534)
      assert.deepEqual(await warningsIn(dir), [])
    })

    it("names the first file in the plugin's folder that they may not write, and counts the others", async () => {
      const dir = directory(THEIRS)
      const folder = path.join(dir, 'ses-bounce')
      mkdirSync(folder, { mode: 0o700 })
      for (const name of ['one', 'two']) writeFileSync(path.join(folder, name), '', { mode: 0o600 })
      const [only = '', ...more] = await warningsIn(dir)
      assert.match(
        only,
        /^ses-bounce: warning: the user .* \(uid 65534\) can't read and write it and 2 others here; .* run as root: chown -R 65534:65534 \S+\/ses-bounce$/,
      )
      assert.deepEqual(more, [])
      for (const name of ['.', 'one', 'two']) chownSync(path.join(folder, name), 65534, 65534)
      assert.deepEqual(await warningsIn(dir), [])
    })
  })
})
