import assert from 'node:assert/strict'
import fc from 'fast-check'
import { composed } from '../../src/mail/composed'
import { otherReadings, withoutLookAlikes } from '../../src/mail/look-alikes'
import { reversedRuns, visibleText } from '../../src/mail/mime/visible-text'
import { cpuMs } from '../cpu-time'

describe('a text without look-alikes', () => {
  it('has ASCII characters in place of those that look like them', () => {
    const forms: Record<string, string[]> = {
      'gift card': [
        'gіft саrd',
        'ｇｉｆｔ　ｃａｒｄ',
        '𝐠𝐢𝐟𝐭 𝓬𝓪𝓻𝓭',
        'ⓖⓘⓕⓣ ⓒⓐⓡⓓ',
        'ɢɪꜰᴛ ᴄᴀʀᴅ',
        'gi\u200bft ca\u00adrd',
        'g\u0332i\u0332f\u0332t\u0332 c\u0336a\u0336r\u0336d\u0336',
        'gi\u034fft\u00a0card',
        'gift\u2003card',
      ],
      'GIFT CARD': ['🅶🅸🅵🆃 🅲🅰🆁🅳', '🅖🅘🅕🅣 🅒🅐🅡🅓', '🇬🇮🇫🇹 🇨🇦🇷🇩', 'ᏀІFТ СΑᎡᎠ'],
      'office.exe': ['oﬃce.exe', 'office．ｅｘｅ', 'office․exe'],
      'http://bad.example/1': ['http:∕∕bad.example∕①', 'ｈｔｔｐ：／／bad.example/1'],
      'don\'t "pay" - 1/2': ['don’t “pay” – ½'],
    }
    for (const [plain, written] of Object.entries(forms))
      for (const one of written) assert.equal(withoutLookAlikes(one), plain, one)
  })

  it('keeps letters that look like themselves', () => {
    for (const text of [
      'Überweisung',
      'café naïve señor',
      '現金をお送りください',
      'שלום',
      'a*b？',
      'Дождь'.slice(2, 4),
    ])
      assert.deepEqual(otherReadings(text), [])
  })

  it('is a second reading, so that a pattern in the other script still matches the text as it is', () => {
    assert.deepEqual(otherReadings('рассылка'), ['paccылka'])
    assert.deepEqual(otherReadings('plain'), [])
    assert.deepEqual(otherReadings('cafe\u0301'), [])
  })

  it('has what an override turns round as a reader sees it', () => {
    assert.deepEqual(otherReadings('a \u202edrac tfig\u202c'), ['a drac tfig', 'gift card'])
  })

  const unit = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.constantFrom(
      'е',
      'ｅ',
      '\u0301',
      '\u034f',
      'e',
      '𝛂',
      '½',
      '？',
      'é',
      '\u00a0',
      '\u00ad',
      '…',
      '\u202eba',
    ),
  )

  it('is the same for each character whatever else the text has, and however long it is', () => {
    const others = '\nе\u0301 ½a\u0338\u00a0\u200b'
    const long = 'e'.repeat(100)
    for (let point = 0; point < 0x110000; point++) {
      const character = String.fromCodePoint(point)
      if (/[\p{Cs}\p{Co}\p{Cn}\u202e]/u.test(character)) continue
      const text = `e${character}e`
      const plain = withoutLookAlikes(text)
      if (withoutLookAlikes(text + others) !== plain + withoutLookAlikes(others))
        assert.fail(point.toString(16))
      if (withoutLookAlikes(text + long) !== plain + long) assert.fail(point.toString(16))
      if (visibleText(text + long) !== visibleText(text) + long) assert.fail(point.toString(16))
      assert.equal(otherReadings(text + long).length, otherReadings(text).length)
    }
  })

  it('is among the readings of a text whenever it differs from the text in more than how it is composed', () => {
    fc.assert(
      fc.property(fc.array(unit), parts => {
        const text = parts.join('')
        const plain = withoutLookAlikes(text)
        const expected = plain === text || plain === composed(text) ? [] : [plain]
        assert.deepEqual(otherReadings(text), [...expected, ...reversedRuns(text).map(withoutLookAlikes)])
      }),
      { numRuns: 2000, examples: [[['é']], [['\u00ad']], [['\u0301']], [['…']], [['\u202eba']]] },
    )
  })

  it('changes nothing when it is made again', () => {
    const marked = '\u0435\u0e38\u0301'
    assert.equal(withoutLookAlikes(withoutLookAlikes(marked)), withoutLookAlikes(marked))
    fc.assert(
      fc.property(fc.array(unit), parts => {
        const once = withoutLookAlikes(parts.join(''))
        assert.equal(withoutLookAlikes(once), once)
      }),
      { numRuns: 2000 },
    )
  })

  it('takes time in proportion to the text', () => {
    for (const piece of ['е', '\u0301', 'a\u0327\u0301', '㎏', '𝐠', '漢', '\u200b']) {
      const of = (characters: number) => () => withoutLookAlikes(piece.repeat(characters / piece.length))
      of(10_000)()
      const smallMs = Math.max(3, cpuMs(0, of(65_536)))
      const largeMs = cpuMs(25 * smallMs, of(8 * 65_536))
      assert.ok(largeMs < 25 * smallMs, `${piece}: ${smallMs} ms, then ${largeMs} ms`)
    }
  })
})
