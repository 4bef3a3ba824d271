// Conditions on content and on results: when content is read, and what becomes of a mail where it can't be.

import assert from 'node:assert/strict'
import { otherReadings } from '../../src/mail/look-alikes'
import { UnreadableError } from '../../src/mail/unreadable'
import { decide } from '../../src/policy/decide'
import { MatchBudget } from '../../src/policy/match-budget'
import { traceRules } from '../../src/policy/trace'
import { budget, decideNow, type MailParts, mail, NOW_MS, policy, SETTINGS } from './support'

const text = (...texts: string[]): MailParts => ({
  content: { texts, readings: texts.flatMap(otherReadings) },
})
const files = (...names: string[]): MailParts => ({
  content: {
    attachments: names.map((name, index) => ({
      names: [name],
      types: ['a/b'],
      sizeBytes: 100 * (index + 1),
    })),
  },
})

async function ruleFor(rules: string, parts: MailParts): Promise<string | undefined> {
  const [decision] = await decideNow(policy(rules), mail(parts))
  return decision?.rule
}

/** A mail whose content counts how often it is asked for. */
function counted(parts: MailParts = {}) {
  const facts = mail(parts)
  const read = () => mail(parts).content()
  let asked = 0
  facts.content = () => {
    asked++
    return read()
  }
  return { facts, asked: () => asked }
}

describe('conditions on content', () => {
  it('hold for the text, each attachment and their number', async () => {
    const holding: [line: string, parts: MailParts][] = [
      ['body = *SALE*', text('a sale now')],
      ['body = /sale$/', text('first', 'big sale')],
      ['body = exactly', text('Exactly')],
      ['not.body = *', {}],
      ['attachment.name = *.exe', files('a.txt', 'b.EXE')],
      ['not.attachment.name = *.exe', files('a.txt')],
      ['attachment.type = a/*', files('x')],
      ['attachment.size = 200', files('x', 'y')],
      ['not.attachment.size = > 200', files('x', 'y')],
      ['attachment.count = 2', files('x', 'y')],
      ['attachment.count = 0', {}],
    ]
    for (const [line, parts] of holding) {
      assert.equal(await ruleFor(`[r]\n${line}\naction = drop`, parts), 'r', line)
      const turned = line.startsWith('not.') ? line.slice(4) : `not.${line}`
      assert.equal(await ruleFor(`[r]\n${turned}\naction = drop`, parts), undefined, turned)
    }
  })

  it('leave out of their patterns what nobody sees in a text', async () => {
    for (const pattern of ['gi\u200cft\u00a0card', '/^gi\u200cft\u00a0card$/', '*❤\ufe0f*'])
      assert.equal(await ruleFor(`[r]\nbody = ${pattern}\naction = drop`, text('gift card', '❤')), 'r')
  })

  it('hold for letters that look like those of the pattern, in text, names and header alike', async () => {
    const subject = (value: string): MailParts => ({ headers: { subject: [value] } })
    const holding: [line: string, parts: MailParts][] = [
      ['body = *gift card*', text('a gіft сard now')],
      ['body = /\\bgift\\s+card\\b/', text('a ｇｉｆｔ ｃａｒｄ now')],
      ['body = *gіft сard*', text('a gift card')],
      ['body = *сбор*', text('СБОР')],
      ['body = /сбор/', text('Сбор')],
      ['attachment.name = *.exe', files('a.еxе')],
      ['subject = *invoice*', subject('your іnv\u200boice')],
      ['subject = /invoice/c', subject('your іnv\u00adoice')],
      ['header.subject = "invoice"', subject('іnvoicе')],
    ]
    for (const [line, parts] of holding) {
      assert.equal(await ruleFor(`[r]\n${line}\naction = drop`, parts), 'r', line)
      assert.equal(await ruleFor(`[r]\nnot.${line}\naction = drop`, parts), undefined, line)
    }
    assert.equal(await ruleFor('[r]\nbody = *café*\naction = drop', text('cafe')), undefined)
  })

  it('hold for the files in archives, and are unknown where their list could not be read', async () => {
    const archive = (files: string[], filesAreCut?: true): MailParts => ({
      content: {
        attachments: [
          {
            names: ['a.zip'],
            types: ['application/zip'],
            sizeBytes: 9,
            files,
            ...(filesAreCut && { filesAreCut }),
          },
        ],
      },
    })
    const rules = '[r]\nattachment.archive = *.exe\naction = bounce\nbounce.text = no {attachment}'
    assert.equal(policy(rules).opensArchives, true)
    assert.equal(policy('[r]\nattachment.name = *.zip\naction = drop').opensArchives, false)
    assert.equal(await ruleFor(rules, archive(['a/run.exe', 'run.exe'])), 'r')
    assert.equal(await ruleFor(rules, archive(['run.ехе'])), 'r')
    assert.equal(await ruleFor(rules, archive(['readme.txt'])), undefined)
    assert.equal(await ruleFor(rules, files('run.exe')), undefined)
    const [decision] = await decideNow(policy(rules), mail(archive(['readme.txt'], true)))
    assert.equal(decision?.fallback?.reason, 'unreadable')
    const [bounced] = await decideNow(policy(rules), mail(archive(['readme.txt', 'run.exe'])))
    assert.match(JSON.stringify(bounced?.bounce), /no run\.exe/)
  })

  it('are asked last, and only where all others hold', async () => {
    const { facts, asked } = counted(text('x'))
    const rules = policy(
      '[a]\nbody = x\nsender = @other.example\naction = drop\n[b]\nsize = 5000\naction = quarantine\n[c]\nbody = x\naction = drop',
    )
    const [decision] = await decideNow(rules, facts)
    assert.deepEqual([decision?.rule, asked()], ['b', 0])
  })

  it('see a text of any length that was not cut', async () => {
    const long = `${'x'.repeat(500_000)} end`
    assert.equal(await ruleFor('[r]\nbody = * END\naction = drop', text(long)), 'r')
    assert.equal(await ruleFor('[r]\nbody = /\\bend$/\naction = drop', text(long)), 'r')
  })
})

describe("what can't be read of a mail at any time", () => {
  const unreadable = () => {
    const facts = mail()
    facts.content = () => Promise.reject(new UnreadableError('it has more than 1000 parts'))
    return facts
  }
  const fallback = { reason: 'unreadable', detail: 'it has more than 1000 parts' }

  it('has the rule that asks for it decide by its fallback, whatever its action', async () => {
    for (const action of ['accept', 'drop', 'reject', 'bounce\nbounce.type = DoesNotExist']) {
      const [decision] = await decideNow(
        policy(`[other]\nsubject = x\naction = drop\n[asks]\nbody = x\naction = ${action}`),
        unreadable(),
      )
      assert.deepEqual(
        [decision?.rule, decision?.action, decision?.fallback],
        ['asks', 'quarantine', fallback],
        action,
      )
    }
  })

  it('has a rule decide by its fallback that would name an attachment in its text', async () => {
    const [decision] = await decideNow(policy('[named]\naction = reject\nreply = {attachment}'), unreadable())
    assert.deepEqual([decision?.action, decision?.fallback], ['quarantine', fallback])
  })

  it('is refused in words that no rule has for it where the fallback is reject or defer', async () => {
    for (const [action, status] of [
      ['reject', '5.6.0'],
      ['defer', '4.6.0'],
    ] as const) {
      const settings = { ...SETTINGS, fallback: { ...SETTINGS.fallback, unreadable: action } }
      const rules = policy('[asks]\nbody = x\naction = drop', { settings })
      const [decision] = await decideNow(rules, unreadable())
      assert.deepEqual(decision?.reply, {
        status,
        text: "The mail can't be read (it has more than 1000 parts)",
      })
    }
  })

  it('changes nothing for a mail that another rule decides, or for a rule in mode observe', async () => {
    const rules =
      '[trial]\nbody = x\naction = drop\nmode = observe\n[r]\nsize = 5000\naction = drop\n[asks]\nbody = x\naction = drop'
    const [decision] = await decideNow(policy(rules), unreadable())
    assert.deepEqual([decision?.rule, decision?.fallback], ['r', undefined])
    assert.deepEqual(decision?.observed, [
      { rule: 'trial', action: 'drop', fault: "[trial] can't be checked: it has more than 1000 parts" },
    ])
  })

  it('is said by a trace of the rules, and the rules behind it are asked', async () => {
    const rules = policy('[asks]\nbody = x\naction = drop\n[r]\nsize = 5000\naction = drop')
    const traces = await traceRules(rules, unreadable(), NOW_MS, budget())
    assert.deepEqual(
      traces.map(({ rule, failed, unreadable: why }) => [rule.name, failed, why]),
      [
        ['asks', undefined, 'it has more than 1000 parts'],
        ['r', undefined, undefined],
      ],
    )
  })
})

describe('content that can not be read for now', () => {
  const unreadable = () => {
    const facts = mail()
    facts.content = () => Promise.reject(new Error('broken'))
    return facts
  }

  it('has the whole mail undecided, with the rule that asked', async () => {
    const rules = policy('[first]\nsubject = x\naction = drop\n[asks]\nbody = x\naction = accept')
    await assert.rejects(decideNow(rules, unreadable()), /^Error: \[asks\] can't be checked: broken$/)
    const named = policy('[named]\naction = reject\nreply = {attachment}')
    await assert.rejects(decideNow(named, unreadable()), /^Error: \[named\] can't be checked: broken$/)
  })

  it('does not concern a mail that another rule decides', async () => {
    const [decision] = await decideNow(
      policy('[r]\nsize = 5000\naction = drop\n[asks]\nbody = x\naction = drop'),
      unreadable(),
    )
    assert.equal(decision?.rule, 'r')
  })

  it('is noted, and no more, where only a rule in mode observe asks', async () => {
    const rules = policy('[trial]\nbody = x\naction = drop\nmode = observe\n[r]\nsize = 5000\naction = drop')
    const [decision] = await decideNow(rules, unreadable())
    assert.equal(decision?.rule, 'r')
    assert.deepEqual(decision.observed, [
      { rule: 'trial', action: 'drop', fault: "[trial] can't be checked: broken" },
    ])
  })
})

describe('the effort of a mail', () => {
  /** So that the second is one too many. */
  const slow = () => new MatchBudget({ search: async () => ({ found: [], tookMs: 1100 }), now: () => 0 })
  // an expression that needs no literal, so that it is always searched for
  const body = (name: string, more = '') =>
    `[${name}]\nbody = /(?:\\w ?){300}[${name}\\d]/\naction = drop\n${more}`
  const long = () => mail(text('x'.repeat(100_000)))

  it('is one for all rules', async () => {
    const rules = policy([body('a'), body('b'), body('c')].join('\n'))
    await assert.rejects(
      async () => decide(rules, long(), NOW_MS, slow()),
      /^Error: \[b\] can't be checked: matching it with the rules takes longer than 2 s$/,
    )
  })

  it('that rules in mode observe spend is not that of the others', async () => {
    const observed = ['a', 'b', 'c', 'd'].map(name => body(name, 'mode = observe\n')).join('')
    const rules = policy(`${observed}${body('e')}[last]\nbody = x*\naction = quarantine`)
    const [decision] = await decide(rules, long(), NOW_MS, slow())
    assert.equal(decision?.rule, 'last')
    assert.deepEqual(
      decision.observed.map(({ rule, fault }) => [rule, fault !== undefined]),
      [
        ['b', true],
        ['c', true],
        ['d', true],
      ],
    )
  })
})

describe('{attachment}', () => {
  it('is the one that the rule names, else the first, else nothing', async () => {
    const replied = async (lines: string, parts: MailParts) => {
      const [decision] = await decideNow(
        policy(`[r]\n${lines}\naction = reject\nreply = no {attachment}!`),
        mail(parts),
      )
      return decision?.reply?.text
    }
    assert.equal(await replied('attachment.name = *.js, *.exe', files('a.txt', 'b.exe', 'c.js')), 'no b.exe!')
    assert.equal(await replied('not.attachment.name = *.com', files('a.txt', 'b.exe')), 'no a.txt!')
    assert.equal(await replied('size = 5000', {}), 'no !')
    assert.equal(await replied('attachment.count = 1', files('a\r\nb\u202e.exe')), 'no a b?.exe!')
  })
})

describe('results of other plugins', () => {
  const holds = (line: string, values: (string | number)[]) =>
    ruleFor(`[r]\n${line}\naction = drop`, { results: { 'rspamd.score': values } })

  it('are compared as numbers, or as text', async () => {
    for (const [value, of] of [
      ['> 15', [15.5]],
      ['<= -1', ['-3.2']],
      ['5', [5.0]],
      ['1..2', [1.5]],
      ['1..2', ['1..2']],
      ['reject*', ['ok', 'Rejected']],
      ['/^no/', ['nothing']],
      ['true', ['true']],
    ] as const) {
      assert.equal(await holds(`result.rspamd.score = ${value}`, [...of]), 'r', value)
    }
    for (const [value, of] of [
      ['> 15', [15, 'text', '> 15']],
      ['5', [50, '5x']],
      ['*', []],
    ] as const) {
      assert.equal(await holds(`result.rspamd.score = ${value}`, [...of]), undefined, value)
    }
  })
})

describe('a trace of the rules', () => {
  it('has for each the first condition that fails, with its values, whichever rule decides', async () => {
    const rules = policy(
      '[holds]\nsize = > 1kb\naction = drop\n[fails]\nbody = y\nrecipient = nobody@example.com\nsubject = hello\naction = drop\n[deep]\nbody = y, z\naction = drop',
    )
    const facts = mail({ ...text('x'), headers: { subject: ['Hi'] } })
    const traces = await traceRules(rules, facts, NOW_MS, budget())
    assert.deepEqual(
      traces.map(({ rule, failed, values }) => [rule.name, failed?.key, failed?.line, values]),
      [
        ['holds', undefined, undefined, []],
        ['fails', 'subject', 7, ['Hi']],
        ['deep', 'body', 10, ['x']],
      ],
    )
  })
})
