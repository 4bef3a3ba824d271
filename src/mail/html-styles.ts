// Styles of HTML by which a reader doesn't see a text, or sees it from right to left: attributes, and classes of its style sheets.
// Linear, and never throws.

import type { Attributes } from './html-scanner'

const COMMENT = /\/\*[\s\S]*?(?:\*\/|$)/g
/** CSS Display 3, CSS Display 4 (visibility), CSS Fonts 4 and CSS Color 4 (opacity). */
const HIDES =
  /display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|(?:font-size|opacity)\s*:\s*0(?:\.0\d*)?(?![.\d])/i
/** A cheap test of HTML for `unicode-bidi: bidi-override`. */
export const MAY_REVERSE = /override/i
const FROM_THE_RIGHT = /(?=[\s\S]*bidi-override)(?=[\s\S]*direction\s*:\s*rtl)/i
const CLASS = /\.(-?[a-z_][\w-]{0,100})/gi
/** Mails have tens. */
const CLASSES = 1000
/** The most characters of one style sheet. Gmail reads 16 KB. */
const SHEET_CHARACTERS = 65_536

/** Whether the element shows its text in the order of its characters from right to left. */
export function isShownFromTheRight(tag: string, attributes: Attributes): boolean {
  if (attributes.size === 0) return false
  if (tag === 'bdo') return attributes.get('dir')?.toLowerCase() === 'rtl'
  const style = attributes.get('style')
  return style !== undefined && FROM_THE_RIGHT.test(style)
}

export class HtmlStyles {
  readonly #classes = new Set<string>()
  /** The text of the `<style>` that is open. */
  #sheet = ''

  /** A piece of the text of a `<style>`. */
  add(css: string): void {
    this.#sheet += css.slice(0, SHEET_CHARACTERS - this.#sheet.length)
  }

  /** The `<style>` ends. */
  end(): void {
    const sheet = this.#sheet
    this.#sheet = ''
    if (!HIDES.test(sheet)) return
    for (const rule of sheet.replace(COMMENT, '').split('}')) {
      const open = rule.lastIndexOf('{')
      if (open < 0 || !HIDES.test(rule.slice(open))) continue
      const selectors = rule.slice(rule.lastIndexOf('{', open - 1) + 1, open)
      for (const [, name = ''] of selectors.matchAll(CLASS)) {
        if (this.#classes.size < CLASSES) this.#classes.add(name)
      }
    }
  }

  /** Whether an element with these attributes hides its text. */
  hide(attributes: Attributes): boolean {
    if (attributes.size === 0) return false
    if (attributes.has('hidden')) return true
    const style = attributes.get('style')
    if (style !== undefined && HIDES.test(style.replace(COMMENT, ''))) return true
    const classes = this.#classes.size === 0 ? [] : (attributes.get('class') ?? '').split(/\s+/)
    return classes.some(name => this.#classes.has(name))
  }
}
