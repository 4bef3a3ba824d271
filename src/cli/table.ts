// A table of text for a terminal or a pipe. Its first rows decide the widths; later ones may be wider, and are whole.

import { escapeControls } from './out'

const GAP = '  '
/** Rows that are held back until the widths are known. */
const FIRST_ROWS = 200

export class Table {
  readonly #heads: readonly string[]
  readonly #line: (text: string) => void
  /** Undefined: rows are held back. */
  #widths: readonly number[] | undefined
  #held: string[][] = []

  /** `line`: writes one. */
  constructor(heads: readonly string[], line: (text: string) => void) {
    this.#heads = heads
    this.#line = line
  }

  /** Control characters are escaped. */
  row(cells: readonly string[]): void {
    const shown = cells.map(escapeControls)
    if (this.#widths === undefined) this.#held.push(shown)
    else this.#write(shown, this.#widths)
    if (this.#held.length >= FIRST_ROWS) this.#writeHeld()
  }

  /** Nothing is written if there was no row. */
  end(): void {
    if (this.#held.length > 0) this.#writeHeld()
  }

  #writeHeld(): void {
    const rows = [[...this.#heads], ...this.#held]
    const widths = this.#heads.map((_, index) => Math.max(...rows.map(row => lengthOf(row[index] ?? ''))))
    this.#held = []
    this.#widths = widths
    for (const row of rows) this.#write(row, widths)
  }

  #write(cells: readonly string[], widths: readonly number[]): void {
    const padded = cells.map(
      (cell, index) => cell + ' '.repeat(Math.max(0, (widths[index] ?? 0) - lengthOf(cell))),
    )
    this.#line(padded.join(GAP).trimEnd())
  }
}

/** In code points: an approximation of columns. */
function lengthOf(text: string): number {
  return text.replace(/[\uD800-\uDBFF][\uDC00-\uDFFF]/g, '_').length
}
