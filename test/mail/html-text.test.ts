import assert from 'node:assert/strict'
import fc from 'fast-check'
import { htmlText, htmlTextOf } from '../../src/mail/html-text'
import { cpuMs } from '../cpu-time'

const text = (html: string, limit = 10_000) => htmlText(html, limit).text

describe('the text of HTML', () => {
  it('is what its reader sees', () => {
    const seen: [html: string, text: string][] = [
      ['<p>Hello  <b>w</b>orld</p>', 'Hello world'],
      ['V<i>ia</i>g<span style="color:red">ra</span>', 'Viagra'],
      ['V&shy;ia&#x200b;gra &amp; &lt;b&gt; &euro;5', 'Viagra & <b> €5'],
      ['<style>p { color: red }</style>a<script>if (a<b) alert("c")</script>b', 'ab'],
      ['a<!-- not this -->b<!doctype x><?php not this ?>c', 'abc'],
      ['<table><tr><td>a</td><td>b</td></tr></table>c<br>d<div>e</div>f', 'a\nb\nc\nd\ne\nf'],
      ['a\n\t b &nbsp; c', 'a b c'],
      ['', ''],
      ['no tags', 'no tags'],
    ]
    for (const [html, wanted] of seen) assert.equal(text(html), wanted, html)
  })

  it('shows where a link leads, behind its words', () => {
    const link =
      '<a class=x href="http://bad.example/?a=1&amp;b=2" href=http://good.example>our <b>site</b></a>.'
    assert.equal(text(`See ${link}`), 'See our site [http://bad.example/?a=1&b=2] .')
    assert.equal(text('<a href=//x.example>a<a href=//y.example>b'), 'a [//x.example] b [//y.example]')
    assert.equal(text('<area href=/map><b href=/none>b</b>'), 'b [/map]')
  })

  it('is cut at the limit, and says so', () => {
    assert.deepEqual(htmlText('<p>abc</p>', 3), { text: 'abc', isCut: false })
    assert.deepEqual(htmlText('<p>abc<p>d', 3), { text: 'abc', isCut: true })
    const { text: cut, isCut } = htmlText('<b>x</b> '.repeat(100_000), 1000)
    assert.deepEqual([cut.length, isCut], [1000, true])
  })

  it('takes time in proportion to the HTML, whatever is nested or left open', () => {
    const readMs = (enoughMs: number, html: string) =>
      cpuMs(enoughMs, () => htmlText(html, Number.POSITIVE_INFINITY))
    for (const piece of [
      '<b>',
      '<a href="',
      '<!--',
      '&am',
      '<div',
      '</',
      '<script>',
      '<![CDATA[',
      '<!--[if mso]>',
      '--!',
      '<style></styl',
      '</p x="',
      '<a x=y ',
      '<bdo dir=rtl>',
      'x<u style="font-size:0">',
      'x<u hidden></u>',
      '<style>.a{opacity:0}</style>x<u class=a>',
      'x<u style="/*">',
      '\u202ea',
      'x&amp;',
    ]) {
      readMs(0, piece.repeat(1000))
      const smallMs = readMs(0, piece.repeat(50_000))
      // eight times the length: quadratic would be 64 times the time
      const limitMs = 25 * Math.max(smallMs, 4)
      const largeMs = readMs(limitMs, piece.repeat(400_000))
      assert(largeMs < limitMs, `${piece}: ${smallMs} ms, then ${largeMs} ms`)
    }
  })

  it('is the same with a blank before the end of each tag, and with other white space between them', () => {
    const piece = fc.constantFrom(
      '<b>',
      '</b>',
      '<p>',
      '</p>',
      '<svg>',
      '</svg>',
      '<script>',
      '</script>',
      '<x>',
      '<a href="http://a.example/?a=1&amp;b">',
      '<a href="//a.example/ü">',
      '</a>',
      '<u hidden>',
      '</u>',
      'word',
      'two words',
      ' ',
      'é',
      '&nbsp;',
      '\u00a0 ',
      '&nbsp;&raquo;',
      '\u200b',
      '…',
      '&lt;',
    )
    fc.assert(
      fc.property(fc.array(piece), pieces => {
        const [html, other] = [pieces.join(''), pieces.map(one => (one === ' ' ? '\r\n\t' : one)).join('')]
        const expected = htmlText(html, 10_000)
        assert.deepEqual(htmlText(html.replace(/<(\/?[a-z]+)>/g, '<$1 >'), 10_000), expected)
        assert.deepEqual(htmlText(other, 10_000), expected)
      }),
      {
        numRuns: 1000,
        examples: [[['word', ' ', '<b>', ' ', 'é']], [['word', '&nbsp;&raquo;', '<script>', 'x']]],
      },
    )
  })

  it('is the same however its chunks are cut', () => {
    const piece = fc.constantFrom(
      '<b>',
      '<a href="http://a.example/?a=1&amp;b">',
      '</a>',
      '<!-- x -->',
      '<!--[if mso]>y<![endif]-->',
      '--!>',
      '<style>z',
      '<style>.a{display:none}',
      '</style >',
      '<u class=a>',
      '<u hidden>',
      '<u style="font-size:0">',
      '</u>',
      '<textarea>&lt;',
      '</textarea>',
      "<img alt='a b'/>",
      '&nbsp;',
      '&#8364;',
      '<![CDATA[',
      '</',
      '<',
      '"',
      '>',
      'x y',
      ' ',
    )
    fc.assert(
      fc.property(
        fc.array(piece),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        (pieces, steps) => {
          const html = pieces.join('')
          const chunks: string[] = []
          for (let at = 0, step = 0; at < html.length; step++) {
            const length = steps[step % steps.length] ?? 1
            chunks.push(html.slice(at, at + length))
            at += length
          }
          assert.deepEqual(
            htmlTextOf(() => chunks, 10_000),
            htmlText(html, 10_000),
          )
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('is text of any HTML, with no tag of a piece left whole', () => {
    const piece = fc.constantFrom(
      '<b>',
      '</b>',
      '<a href=x>',
      '<!--',
      '-->',
      '<script>',
      '</script>',
      '&lt;',
      '"',
      'x',
      ' ',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(piece).map(all => all.join('')),
        ),
        fc.nat(50),
        (html, limit) => {
          const { text, isCut } = htmlText(html, limit)
          assert(text.length <= limit)
          assert(isCut || !/<(?:\/?b|a href=x|\/?script)>/.test(text))
        },
      ),
      { numRuns: 1000 },
    )
  })
})
