// The text of HTML as its reader sees it, where a style hides a part of a word: `gi<span style="display:none">x</span>ft`.
// Other hidden text, such as a preview for lists of mails, makes no other text: both are searched for the same words.

/** Collects the text, and says whether its last word may go on. */
export interface Collector {
  readonly isWithinWord: boolean
  text(raw: string): void
  line(): void
  end(): { text: string }
}

/** HTML standard, section 13.1.2: elements without text. */
const VOID = new Set('area base br col embed hr img input link meta source track wbr'.split(' '))

export class ShownText {
  readonly #collector: Collector
  /** The hidden element that is open. */
  #hidden: { tag: string; depth: number } | undefined
  /** Only hidden text follows the last word so far. */
  #isOpenWord = false
  #hidesPartOfWord = false

  /** `collector` has the text before the first hidden element. */
  constructor(collector: Collector) {
    this.#collector = collector
  }

  text(raw: string): void {
    if (this.#hidden !== undefined || raw === '') return
    if (this.#isOpenWord && /^\S/.test(raw)) this.#hidesPartOfWord = true
    this.#isOpenWord = false
    this.#collector.text(raw)
  }

  line(): void {
    if (this.#hidden !== undefined) return
    this.#isOpenWord = false
    this.#collector.line()
  }

  /** Call it before the line and the text of the element. */
  hide(tag: string): void {
    if (this.#hidden !== undefined || VOID.has(tag)) return
    this.#hidden = { tag, depth: 0 }
    this.#isOpenWord ||= this.#collector.isWithinWord
  }

  /** Call it for each element, behind `hide`. */
  open(tag: string): void {
    if (this.#hidden?.tag === tag) this.#hidden.depth++
  }

  /** Call it behind the line and the text of the element. */
  close(tag: string): void {
    if (this.#hidden?.tag === tag && --this.#hidden.depth === 0) this.#hidden = undefined
  }

  /** The text without its hidden parts. Undefined: no word has a hidden part, so it is the same as with them. */
  end(): string | undefined {
    return this.#hidesPartOfWord ? this.#collector.end().text : undefined
  }
}
