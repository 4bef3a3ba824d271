import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { check } from '../../src/cli/check'
import { main } from '../../src/cli/main'

const SETTINGS = 'ses-bounce.ini'
const RULES = 'ses-bounce-rules.ini'
const RELAY = '[relay]\ntrusted = 192.0.2.10\n'
const GOOD = { [SETTINGS]: RELAY, [RULES]: '[blocked]\nsender = @a.example\naction = reject\n' }
/** One warning, in line 4. */
const UNREACHED = '[all]\naction = accept\n\n[blocked]\nsender = @a.example\naction = reject\n'
const UNREACHED_LINE =
  'ses-bounce-rules.ini:4: [blocked] warning: this rule can never be reached: [all] in line 1 holds for every mail'

type Files = Record<string, string>

describe('ses-bounce check', () => {
  const made: string[] = []
  afterEach(() => {
    for (const dir of made.splice(0)) rmSync(dir, { recursive: true, force: true })
  })

  function emptyDirectory(): string {
    const dir = mkdtempSync(path.join(tmpdir(), 'ses-bounce-check-'))
    made.push(dir)
    return dir
  }

  function directory(files: Files): string {
    const dir = emptyDirectory()
    mkdirSync(path.join(dir, 'config'))
    for (const [name, text] of Object.entries(files)) writeFileSync(path.join(dir, 'config', name), text)
    return dir
  }

  async function run(files: Files, args: string[] = [], env: NodeJS.ProcessEnv = {}) {
    return ran(['--dir', directory(files), ...args], env)
  }

  /** The warnings for a configuration that has nothing else. */
  async function warnings(files: Files): Promise<string[]> {
    const { code, lines, errors } = await run(files)
    assert.deepEqual([code, errors], [0, []])
    return lines.slice(0, -1)
  }

  it("warns of a folder that others can write to, and refuses a link in it, as Haraka's start does", async () => {
    const dir = directory(GOOD)
    const folder = path.join(dir, 'ses-bounce')
    mkdirSync(path.join(folder, 'quarantine'), { recursive: true, mode: 0o700 })
    chmodSync(path.join(folder, 'quarantine'), 0o777)
    const warned = await ran(['--dir', dir], {})
    assert.deepEqual(
      [warned.code, warned.lines[0]],
      [
        0,
        `ses-bounce/quarantine: warning: other users can write to ${folder}/quarantine (mode 777); run: chmod go-w ${folder}/quarantine`,
      ],
    )
    chmodSync(path.join(folder, 'quarantine'), 0o700)
    assert.equal((await ran(['--dir', dir, '--strict'], {})).code, 0)
    symlinkSync('/etc/hostname', path.join(folder, 'quarantine/a.eml'))
    const refused = await ran(['--dir', dir], {})
    assert.equal(refused.code, 1)
    assert.match(
      refused.lines[0] ?? '',
      /^ses-bounce\/quarantine\/a\.eml: only files and folders may be here; remove the link/,
    )
  })

  describe('of a good configuration', () => {
    it('ends with 0 and says in one line what was read', async () => {
      const files = {
        [SETTINGS]: '[main]\nmode = observe\n[relay]\ntrusted = 192.0.2.10, 192.0.2.11\nauth_users = relay\n',
        [RULES]: `[partners]\nsender = file:partners\naction = accept
[unknown-mailbox]\nsender = file:partners\nnot.recipient = file:mailboxes\naction = bounce\n`,
        partners: '@a.example\n',
        mailboxes: 'a@example.com\n',
      }
      assert.deepEqual(await run(files), {
        code: 0,
        lines: ['fine: mode observe, 3 trusted relays, 2 rules, 2 lists'],
        errors: [],
      })
    })

    it('says how many plugins it has rules for, by the names in refused.by', async () => {
      const rules = `[a]\nrefused.by = clamd, rspamd\naction = quarantine
[b]\nrefused.by = rspamd, access, x*\naction = bounce\n`
      assert.deepEqual((await run({ [SETTINGS]: RELAY, [RULES]: rules })).lines, [
        'fine: mode enforce, 1 trusted relay, 2 rules, 0 lists, refusals of 3 plugins',
      ])
      const queue = '[queue]\nrefused.stage = queue\naction = bounce\n'
      assert.deepEqual((await run({ [SETTINGS]: RELAY, [RULES]: queue })).lines, [
        'fine: mode enforce, 1 trusted relay, 1 rule, 0 lists, refusals of any plugin',
      ])
    })

    it('calls an error what stops no Haraka: a server that refuses all recipients at once', async () => {
      const files = {
        [SETTINGS]: `${RELAY}\n[delivery]\nsplit = false\n`,
        [RULES]: '[undeliverable]\nrefused.stage = queue, delivery\naction = bounce\n',
        plugins: 'ses-bounce\nqueue/smtp_forward\n',
      }
      const { code, lines } = await run(files)
      assert.equal(code, 1)
      const line = files[SETTINGS].split('\n').indexOf('split = false') + 1
      assert.equal(
        lines[0],
        `ses-bounce.ini:${line}: [delivery] queue/smtp_forward refuses several recipients at once: [delivery] split = false, so that [undeliverable] can't tell which it means; auto or true delivers to each by itself`,
      )
      const all = '[all]\nrefused.by = *\naction = bounce\n'
      assert.equal((await run({ ...files, [RULES]: all })).code, 0)
    })

    it('says that nobody is trusted, and which files are missing', async () => {
      const idle = 'idle, as no relay is trusted ([relay] trusted)'
      assert.deepEqual((await run({})).lines, [`${idle}, 0 rules, 0 lists, no ${SETTINGS}, no ${RULES}`])
      assert.deepEqual((await run({ [RULES]: GOOD[RULES] })).lines, [
        `${idle}, 1 rule, 0 lists, no ${SETTINGS}`,
      ])
      assert.deepEqual((await run({ [SETTINGS]: RELAY })).lines, [
        `fine: mode enforce, 1 trusted relay, 0 rules, 0 lists, no ${RULES}`,
      ])
    })

    it('reads what the environment holds', async () => {
      const files = { [SETTINGS]: '[relay]\ntrusted = env:RELAYS\n' }
      assert.equal((await run(files)).code, 1)
      assert.equal((await run(files, [], { RELAYS: '192.0.2.10' })).code, 0)
    })
  })

  describe('of a bad configuration', () => {
    const bad = {
      'smtp.ini': 'user=no-such-user-anywhere\n',
      mailboxes: 'a@example.com\nno address\n@\n',
      [RULES]: `[late]\nrecipient = file:mailboxes\naction = bounce\nbounce.text = ü\n[early]\nacton = drop\n`,
      [SETTINGS]: '[main]\nmode = shout\n[relay]\ntrusted = 0.0.0.0/0\n',
    }

    it('ends with 1 and shows all errors and warnings: settings, rules, lists, each in the order of its lines', async () => {
      const { code, lines, errors } = await run(bad)
      assert.deepEqual([code, errors], [1, []])
      assert.deepEqual(
        lines.map(line => /^\S+( \[\w+\])?( warning:)?/.exec(line)?.[0]),
        [
          'ses-bounce.ini:2: [main]',
          'ses-bounce.ini:4: [relay] warning:',
          'ses-bounce-rules.ini:4: [late] warning:',
          'ses-bounce-rules.ini:5: [early]',
          'ses-bounce-rules.ini:6: [early]',
          'mailboxes:2:',
          'mailboxes:3:',
          'smtp.ini:1:',
          '6',
        ],
      )
      assert.equal(lines.at(-1), '6 errors, 2 warnings')
    })

    it('says what can not be read, and what has letters that nobody can read', async () => {
      const dir = directory({ [SETTINGS]: '[relays]\n', [RULES]: '[r]\nsender = file:list\naction = drop\n' })
      mkdirSync(path.join(dir, 'config', 'list'))
      const none = await ran(['--dir', dir])
      assert.deepEqual(none.lines, [
        'ses-bounce.ini:1: [relays] unknown section; did you mean "relay"?',
        'ses-bounce-rules.ini:2: [r] there is no list "list" in Haraka\'s config directory',
        'list: this is not a file',
        '3 errors',
      ])
      assert.equal(none.code, 1)
      const latin = directory(GOOD)
      writeFileSync(path.join(latin, 'config', RULES), Buffer.from('; für uns\n', 'latin1'))
      const { code, lines } = await ran(['--dir', latin])
      assert.equal(code, 0)
      assert.match(lines[0] ?? '', /^ses-bounce-rules\.ini: warning: the file isn't UTF-8/)
    })

    it('lets warnings pass, unless it is strict', async () => {
      const files = { ...GOOD, [RULES]: UNREACHED }
      const summary = '1 warning; fine: mode enforce, 1 trusted relay, 2 rules, 0 lists'
      assert.deepEqual(await run(files), { code: 0, lines: [UNREACHED_LINE, summary], errors: [] })
      const error = UNREACHED_LINE.replace(' warning:', '')
      assert.deepEqual(await run(files, ['--strict']), { code: 1, lines: [error, '1 error'], errors: [] })
      assert.equal((await run(GOOD, ['--strict'])).code, 0)
    })

    it('shows control characters, and never writes them', async () => {
      const nasty = '\u001b[2J\u009b\u202e\u2028\u0007'
      const files = { [RULES]: `[r${nasty}]\nsubject${nasty} = x\naction = file${nasty}\n` }
      const plain = await run(files)
      assert.equal(plain.code, 1)
      for (const line of plain.lines) assert.match(line, /^[ -~]+$/)
      assert.ok(
        plain.lines[0]?.startsWith('ses-bounce-rules.ini:2: [r\\u001b[2J\\u009b\\u202e\\u2028\\u0007] '),
      )
      const { lines } = await run(files, ['--json'])
      assert.match(lines[0] ?? '', /^[ -~]+$/)
      const read = JSON.parse(lines[0] ?? '') as { errors: { section: string }[] }
      assert.equal(read.errors[0]?.section, `r${nasty}`)
      const { errors } = await ran(['--dir', `/nowhere${nasty}`])
      assert.match(errors[0] ?? '', /^[ -~]+$/)
    })
  })

  describe('with --json', () => {
    it('writes one object: errors, warnings, ok', async () => {
      const warning = {
        file: RULES,
        line: 4,
        section: 'blocked',
        message: 'this rule can never be reached: [all] in line 1 holds for every mail',
      }
      const error = {
        file: SETTINGS,
        line: 1,
        section: 'relays',
        message: 'unknown section; did you mean "relay"?',
      }
      const wrong = { [SETTINGS]: '[relays]\n', [RULES]: UNREACHED }
      const warned = { ...GOOD, [RULES]: UNREACHED }
      const answers: [Files, string[], number, unknown][] = [
        [GOOD, [], 0, { errors: [], warnings: [], ok: true }],
        [warned, [], 0, { errors: [], warnings: [warning], ok: true }],
        [warned, ['--strict'], 1, { errors: [warning], warnings: [], ok: false }],
        [wrong, [], 1, { errors: [error], warnings: [warning], ok: false }],
      ]
      for (const [files, args, code, answer] of answers) {
        const result = await run(files, ['--json', ...args])
        assert.equal(result.lines.length, 1)
        assert.deepEqual([result.code, JSON.parse(result.lines[0] ?? ''), result.errors], [code, answer, []])
      }
    })
  })

  describe('finds the Haraka directory', () => {
    it('by --dir, before $HARAKA', async () => {
      const [good, bad] = [directory(GOOD), directory({ [SETTINGS]: 'mode\n' })]
      assert.equal((await ran(['--dir', good], { HARAKA: bad })).code, 0)
      assert.equal((await ran([], { HARAKA: bad })).code, 1)
      assert.equal((await ran([], { HARAKA: good })).code, 0)
    })

    it('else where it is called', async () => {
      const dir = directory(GOOD)
      const before = process.cwd()
      process.chdir(dir)
      try {
        assert.equal((await ran([], { HARAKA: '' })).code, 0)
      } finally {
        process.chdir(before)
      }
    })

    it('or says what is missing, and ends with 2', async () => {
      const empty = emptyDirectory()
      const gone = path.join(empty, 'gone')
      const hint = '; --dir names the Haraka directory, which holds config/'
      const told = async (dir: string) => {
        const { code, lines, errors } = await ran(['--dir', dir])
        assert.deepEqual([code, lines, errors.length], [2, [], 1])
        return errors[0]
      }
      assert.equal(await told(gone), `ses-bounce check: there is no directory ${gone}${hint}`)
      assert.equal(
        await told(empty),
        `ses-bounce check: there is no directory ${path.join(empty, 'config')}${hint}`,
      )
      writeFileSync(path.join(empty, 'config'), '')
      assert.equal(
        await told(empty),
        `ses-bounce check: ${path.join(empty, 'config')} is not a directory${hint}`,
      )
      symlinkSync('loop', path.join(empty, 'loop'))
      assert.match((await told(path.join(empty, 'loop'))) ?? '', /loop can't be read \(ELOOP\)/)
    })
  })

  describe('called wrongly', () => {
    it('ends with 2 and one line', async () => {
      const dir = directory(GOOD)
      for (const args of [['--what'], ['more'], ['--dir'], ['--dir', ''], ['--strict=yes']]) {
        const { code, lines, errors } = await ran(args, { HARAKA: dir })
        assert.deepEqual([code, lines, errors.length], [2, [], 1], args.join(' '))
      }
    })

    it('has help, and is found as a command', async () => {
      const { code, lines } = await ran(['--help'])
      assert.equal(code, 0)
      for (const option of ['--dir', '--online', '--strict', '--json']) assert.ok(lines[0]?.includes(option))
      const viaMain = recorder()
      assert.equal(await main(['check', '--dir', directory(GOOD)], viaMain), 0)
      assert.match(viaMain.lines[0] ?? '', /^fine: /)
    })
  })

  it('warns where Haraka does not load the plugin, and where a line of host_list is no domain', async () => {
    const files = { [SETTINGS]: RELAY, host_list: 'example.com # ours\n\n*.example.org\n' }
    const odd =
      'host_list:3: warning: "*.example.org" isn\'t a domain, so it matches no mail; expressions belong in host_list_regex, and [relay] domains accepts @.example.com for all subdomains'
    const missing = 'plugins: warning: Haraka doesn\'t load this plugin; add the line "ses-bounce"'
    assert.deepEqual(await warnings({ ...files, plugins: 'tls\n# ses-bounce\n' }), [odd, missing])
    for (const plugins of ['ses-bounce\n', 'tls\r\n haraka-plugin-ses-bounce'])
      assert.deepEqual(await warnings({ ...files, plugins }), [odd])
    assert.deepEqual(await warnings(files), [odd])
  })

  it('warns where smtp_proxy hands on recipients that a rule may bounce', async () => {
    const proxied = (rules: string) =>
      warnings({ [SETTINGS]: RELAY, [RULES]: rules, plugins: 'ses-bounce\nqueue/smtp_proxy\n' })
    const rule = (lines: string) => `[one]\n${lines}\n`
    assert.deepEqual(await proxied(rule('recipient = a@example.com\naction = quarantine')), [
      'plugins:2: warning: "queue/smtp_proxy" tells its server of each recipient at RCPT, so that the server delivers a mail for several also to those that [one] is about; queue/smtp_forward doesn\'t',
    ])
    // all recipients of a mail alike
    assert.deepEqual(await proxied(rule('subject = x\naction = quarantine')), [])
    assert.deepEqual(await proxied(rule('recipient = a@example.com\naction = accept')), [])
  })

  describe('warns where Haraka refuses mail before the rules see it', () => {
    const recipients = (rules: string, plugins: string) =>
      warnings({ [SETTINGS]: RELAY, [RULES]: rules, plugins, mailboxes: 'a@example.com\n' })
    const UNKNOWN = '[unknown]\nrecipient = @example.com\nnot.recipient = file:mailboxes\naction = bounce\n'
    const told = (line: number, name: string, rule = 'unknown') =>
      `plugins:${line}: warning: "${name}" may refuse recipients before the rules see them; let it accept those that [${rule}] bounces, or add a rule with refused.by = ${name.replace('rcpt_to.ldap', 'rcpt-ldap')}`

    it('by a plugin that knows the recipients, however it is written', async () => {
      const plugins =
        '# all of them\nrcpt_to.ldap\r\n\n  haraka-plugin-rcpt-ldap\nqmail-deliverable\nses-bounce\n'
      assert.deepEqual(await recipients(UNKNOWN, plugins), [
        told(2, 'rcpt_to.ldap'),
        told(4, 'rcpt-ldap'),
        told(5, 'qmail-deliverable'),
      ])
    })

    it('not by one that is commented out, or that follows a plugin which accepts all recipients at our domains', async () => {
      const plugins = '#rcpt_to.ldap\n; rcpt_to.ldap\nrcpt_to.in_host_list\nrcpt_to.ldap\nses-bounce\n'
      assert.deepEqual(await recipients(UNKNOWN, plugins), [])
    })

    it('only where a rule bounces by recipient', async () => {
      const bouncing = [
        '[r]\nrecipient = gone@example.com\naction = bounce\n',
        '[r]\nenvelope.recipient = @example.com\naction = bounce\n',
        '[r]\nverdict.spf = pass\nnot.recipient = file:mailboxes\naction = bounce\nmode = observe\n',
      ]
      const others = [
        '[r]\nrecipient = gone@example.com\naction = reject\n',
        '[r]\nrecipient = @example.com\nsize = > 1mb\naction = bounce\n',
        '[r]\nsubject = *spam*\naction = bounce\n',
      ]
      for (const rules of bouncing)
        assert.deepEqual(
          await recipients(rules, 'rcpt_to.ldap\nses-bounce\n'),
          [told(1, 'rcpt_to.ldap', 'r')],
          rules,
        )
      for (const rules of others)
        assert.deepEqual(await recipients(rules, 'rcpt_to.ldap\nses-bounce\n'), [], rules)
    })

    const sizes = (condition: string, bytes: string, action = 'bounce') =>
      warnings({
        [SETTINGS]: RELAY,
        [RULES]: `[large]\n${condition}\naction = ${action}\n`,
        'connection.ini': `[main]\nbytes=1\n[max]\n; the most\n${bytes}\n`,
      })

    it('by [max] bytes, if a rule bounces larger mail that SES accepts', async () => {
      const expected = [
        'connection.ini:5: [max] warning: Haraka refuses mail over 25 MB before [large] can bounce it; bytes = 46000000 allows all mail that SES accepts',
      ]
      for (const condition of [
        'size = > 30mb',
        'size = >= 1mb',
        'size = 25mb..26mb',
        'not.size = < 20mb',
        'size = > 20mb\nnot.size = > 39mb',
      ]) {
        assert.deepEqual(await sizes(condition, 'bytes = 26214400'), expected, condition)
      }
    })

    it('in lines that Haraka breaks, where a rule looks at the body', async () => {
      const lines = (ini: string, rule: string) =>
        warnings({
          [SETTINGS]: RELAY,
          [RULES]: `[r]\n${rule}\naction = drop\n`,
          'connection.ini': `[max]\n${ini}\n`,
        })
      const told = (line: string, bytes: number) => [
        `connection.ini${line}: [max] warning: Haraka breaks lines over ${bytes} bytes, within words and links too, so that [r] may not find them in the body; data_line_length = 1001 keeps every valid line whole`,
      ]
      assert.deepEqual(await lines('data_line_length=992', 'not.body = /x/'), told(':2', 990))
      assert.deepEqual(await lines('data_line_length=999', 'body = /x/'), told(':2', 997))
      for (const ini of ['', 'data_line_length=0', 'data_line_length=lots'])
        assert.deepEqual(await lines(ini, 'body = /x/'), told(ini === '' ? '' : ':2', 990))
      for (const ini of ['data_line_length=1000', 'data_line_length=1001'])
        assert.deepEqual(await lines(ini, 'body = /x/'), [])
      assert.deepEqual(await lines('data_line_length=992', 'subject = *x*'), [])
    })

    it('not by [max] bytes that no such rule is concerned with', async () => {
      for (const condition of ['size = < 1mb', 'size = 1mb..25mb', 'not.size = > 1mb', 'subject = *'])
        assert.deepEqual(await sizes(condition, 'bytes = 26214400'), [], condition)
      for (const bytes of ['bytes = 46000000', 'bytes = 0', 'bytes = ', '', 'bytes = lots'])
        assert.deepEqual(await sizes('size = > 20mb', bytes), [], bytes)
      assert.deepEqual(await sizes('size = > 20mb', 'bytes = 26214400', 'reject'), [])
      assert.deepEqual(
        await warnings({ [SETTINGS]: RELAY, [RULES]: '[l]\nsize = > 1mb\naction = bounce\n' }),
        [],
      )
    })
  })
})

async function ran(args: string[], env: NodeJS.ProcessEnv = {}) {
  const { lines, errors, ...out } = recorder()
  return { code: await check(args, out, env), lines, errors }
}

function recorder() {
  const lines: string[] = []
  const errors: string[] = []
  return {
    lines,
    errors,
    line: (text: string) => void lines.push(text),
    error: (text: string) => void errors.push(text),
  }
}
