// Makes text to match: sentences of everyday words. Equal seeds give equal texts, different seeds different ones. Pure.

export type Pick = (below: number) => number

/** mulberry32. */
export function pseudoRandom(seed: number): Pick {
  let state = seed
  return below => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

export const WORDS =
  'about account address after again all amount and annual any are as at attached be because been before best between bill bring business but by call can change check city claim close come company confirm contract copy could customer date day delivery detail discuss do document due each early end every file final find first follow for free from full get give good have help her here his hope hour how idea if important in information invoice is it item just keep know last late letter like line list long look made mail make many market meeting member message more most need new next no not notice now number of office offer on only open order other our out paper part pay payment people place plan please price project question read ready receive reminder reply report request right same see send service she should sign so some soon start state still such support team than thank that the their them then there these they this three time to today tomorrow two under until up update us use very visit wait want was we week well were what when where which who will with work would write year yes you your'.split(
    ' ',
  )
/** A mail in a language with accents has a few such words in each sentence. */
const ACCENTED = ['café', 'für', 'größe', 'naïve', 'près', 'señor', 'über']
/** Characters beyond Latin-1, with which a text is stored differently in memory. */
const TYPESET = ['– ', '“quite” ', '… ', '€ 20 ']

export function word(pick: Pick, words: readonly string[] = WORDS): string {
  return words[pick(words.length)] ?? ''
}

/** Every third text has accents, every fifth typeset punctuation. */
export function text(characters: number, seed: number, newLine = '\n'): string {
  const pick = pseudoRandom(seed)
  const words = seed % 3 === 0 ? [...WORDS, ...ACCENTED] : WORDS
  let made = ''
  while (made.length < characters) {
    made += sentence(pick, words)
    if (seed % 5 === 0 && pick(4) === 0) made += word(pick, TYPESET)
    if (pick(4) === 0) made += newLine
  }
  return made.slice(0, characters)
}

export function sentence(pick: Pick, words: readonly string[] = WORDS, least = 5): string {
  const many = Array.from({ length: least + pick(10) }, () => word(pick, words)).join(' ')
  return `${many.charAt(0).toUpperCase()}${many.slice(1)}. `
}
