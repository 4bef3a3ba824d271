// Trials run the product as in production, with processes, files and real time, and give figures that have goals.
// Rejects if the product gives a wrong result.

import type { Ratio } from './measure'

export interface Trial {
  /** Its name on the command line. */
  name: string
  title: string
  /** Markdown: the comparison, and its method. */
  about: string
  rows: readonly Aim[]
  /** The results by the rows' keys. */
  run(size: Size): Promise<Findings>
}

/** least: only checks that the trial can run. */
export type Size = 'whole' | 'least'

export interface Aim {
  key: string
  name: string
  goal?: Goal
  /** The figure's unit. Undefined: it is a ratio. */
  unit?: 'ms' | 'MB'
}

export type Goal = { atMost: number } | { atLeast: number } | { below: number }

export type Findings = Readonly<Record<string, Found>>

export interface Found {
  figure: number
  /** If it was measured several times: `figure` is then the median. */
  spread?: Pick<Ratio, 'least' | 'most'>
  /** The values that the figure was computed from. */
  beside: string
}

export interface Tried extends Found {
  aim: Aim
}

/** In the order of the rows. */
export async function tryOut(trial: Trial, size: Size, onRow: (row: Tried) => void): Promise<Tried[]> {
  const found = await trial.run(size)
  return trial.rows.map(aim => {
    const one = found[aim.key]
    if (one === undefined) throw new Error(`${trial.name} has found nothing for "${aim.name}"`)
    const row = { ...one, aim }
    onRow(row)
    return row
  })
}

export function isReached(goal: Goal, figure: number): boolean {
  if ('atMost' in goal) return figure <= goal.atMost
  if ('below' in goal) return figure < goal.below
  return figure >= goal.atLeast
}

/** The median of a ratio, and its spread. */
export function foundRatio({ median, least, most }: Ratio, beside: string): Found {
  return { figure: median, spread: { least, most }, beside }
}
