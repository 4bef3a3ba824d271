// What is tried as it runs in production, processes, files and time included, and comes to figures that have goals.
// A page knows the rows without trying anything. Rejects when what is tried doesn't do what it is tried for.

import type { Ratio } from './measure'

export interface Trial {
  /** For the command line. */
  name: string
  title: string
  /** Markdown: what is compared, and how it was measured. */
  about: string
  rows: readonly Aim[]
  /** What came out, by the rows' keys. */
  run(size: Size): Promise<Findings>
}

/** least: whether it can be run, not what it comes to. */
export type Size = 'whole' | 'least'

export interface Aim {
  key: string
  name: string
  goal?: Goal
  /** Of the figure; without one it is a ratio. */
  unit?: 'ms' | 'MB'
}

export type Goal = { atMost: number } | { atLeast: number } | { below: number }

export type Findings = Readonly<Record<string, Found>>

export interface Found {
  figure: number
  /** Where it was measured several times; `figure` is the median. */
  spread?: Pick<Ratio, 'least' | 'most'>
  /** What the figure came of. */
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

/** The median of a ratio, and how far it goes. */
export function foundRatio({ median, least, most }: Ratio, beside: string): Found {
  return { figure: median, spread: { least, most }, beside }
}
