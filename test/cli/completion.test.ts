// Completion of the command line, by a real bash, and the man page, by the real man.

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import path from 'node:path'
import { commandTree } from '../../src/cli/command-tree'
import { completionScript } from '../../src/cli/completion-scripts'
import { COMMANDS, main } from '../../src/cli/main'
import { packageFolder } from '../live/support/package-folder'

const TREE = commandTree(COMMANDS)
const hasMan = spawnSync('man', ['--version']).status === 0

/** The words that bash offers after these. */
function offered(...words: string[]): string[] {
  const list = ['ses-bounce', ...words].map(word => `'${word}'`).join(' ')
  const script = `${completionScript('bash', TREE)}
COMP_WORDS=(${list}); COMP_CWORD=${words.length}; _ses_bounce; printf '%s\\n' "\${COMPREPLY[@]}"`
  return execFileSync('bash', ['-c', script], { encoding: 'utf8' }).split('\n').filter(Boolean)
}

describe('ses-bounce completion', () => {
  it('offers the commands, those below a command, and its options', () => {
    assert.deepEqual(
      offered('').filter(word => !word.startsWith('-')),
      Object.keys(COMMANDS),
    )
    assert.deepEqual(offered('qua'), ['quarantine'])
    assert.deepEqual(offered('queue', 'r'), ['retry', 'resume'])
    assert.deepEqual(offered('queue', 'list', '--st'), ['--state'])
    assert.deepEqual(offered('--dir', '/somewhere', 'check', '--o'), ['--online'])
  })

  it('leaves names of files to the shell', () => {
    assert.deepEqual(offered('explain', 'mail.e'), [])
  })

  it('writes a script for each shell, and names them when it knows none', async () => {
    const said = async (...args: string[]) => {
      const lines: string[] = []
      const code = await main(args, {
        line: text => void lines.push(text),
        error: text => void lines.push(text),
      })
      return { code, text: lines.join('\n') }
    }
    for (const [shell, pattern] of [
      ['bash', /^complete -o default -F _ses_bounce ses-bounce$/m],
      ['zsh', /bashcompinit/],
      ['fish', /^complete -c ses-bounce .*__fish_seen_subcommand_from queue.* -a list /m],
    ] as const) {
      const { code, text } = await said('completion', shell)
      assert.equal(code, 0)
      assert.match(text, pattern)
    }
    assert.deepEqual(await said('completion', 'tcsh'), {
      code: 2,
      text: 'ses-bounce completion: no completion for "tcsh"; bash, zsh, fish',
    })
  })
})

describe('the man page', () => {
  it('is read by man without a warning, and names every command', function () {
    if (!hasMan) return this.skip()
    const page = path.join(packageFolder(), 'docs/ses-bounce.1')
    const { stdout, stderr } = spawnSync('man', ['--warnings', '-l', page], {
      encoding: 'utf8',
      env: { ...process.env, MANWIDTH: '200', MANPAGER: 'cat', LC_ALL: 'C.UTF-8' },
    })
    assert.equal(stderr, '')
    for (const one of ['queue list [OPTIONS]', 'quarantine release ID...', 'local-ses'])
      assert.ok(stdout.includes(one.replace(' [OPTIONS]', '')), one)
  })
})
