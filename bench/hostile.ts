// Text in which each character is the worst for the expression: time must grow only linearly with its length.
// Rejects if such a text matches.

import { MATCHED_CHARACTERS } from '../src/policy/subject'
import { openWorkerThreads } from '../src/worker-thread/worker-threads'
import { decideInTurn, readyFacts } from './deciding'
import { compiled, DECIDING, rule } from './rules'
import { textSample } from './samples'
import type { Contest, Suite } from './suite'
import { pseudoRandom } from './text'

const LONG = MATCHED_CHARACTERS
const SHORT = LONG / 8
const TEXTS = 8

export const hostile: Suite = {
  name: 'hostile',
  title: 'Hostile text',
  about: `A sender who knows a rule can write the text that costs it most. Eight times the text should cost no more than about
eight times as much, whatever it says. The expression has 300 steps, and random letters \`a\` and \`b\` keep all of them
busy; the globs are in doubt at every letter.`,
  ratio: 'times the CPU time',
  unit: 'time',
  contests: [
    contestOf('an expression of 300 steps', '/a[ab]{296}x/', seed => {
      const pick = pseudoRandom(seed)
      return characters => Array.from({ length: characters }, () => 'ab'.charAt(pick(2))).join('')
    }),
    contestOf('a glob with ?', '*a*a*a*a*a*a*a*a?b*', () => characters => 'a'.repeat(characters)),
    contestOf(
      'a glob of a long part',
      `*${'a'.repeat(450)}b${'a'.repeat(449)}*`,
      () => characters => 'a'.repeat(characters),
    ),
  ],
}

function contestOf(
  what: string,
  pattern: string,
  textOf: (seed: number) => (characters: number) => string,
): Contest {
  return {
    rows: [{ name: `${what}: 64 KB of its worst text against 8 KB`, of: 'long', against: 'short' }],
    async prepare(inputs) {
      const workerThreads = openWorkerThreads()
      const activeConfig = compiled(
        [rule('hit', `body = ${pattern}`), rule(DECIDING, 'recipient = @example.com')].join('\n'),
      )
      const work = async (characters: number) => {
        const samples = Array.from({ length: Math.min(TEXTS, inputs) }, (_, seed) =>
          textSample(seed, { body: textOf(seed)(characters) }),
        )
        return decideInTurn(activeConfig, await readyFacts(samples), workerThreads, DECIDING)
      }
      return {
        works: { long: await work(LONG), short: await work(SHORT) },
        close: () => workerThreads.close(),
      }
    },
  }
}
