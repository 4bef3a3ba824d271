// Scripts with which shells complete `ses-bounce`: its commands, and the options of each. Where neither fits, the shell
// completes names of files.

import { allCommands, type CommandInfo } from './command-tree'

export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type ShellName = (typeof SHELLS)[number]

export function completionScript(shell: ShellName, tree: CommandInfo): string {
  switch (shell) {
    case 'bash':
      return bash(tree)
    case 'zsh':
      // zsh runs bash's function (zshcompsys(1), bashcompinit)
      return `autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n${bash(tree)}`
    case 'fish':
      return fish(tree)
  }
}

function bash(tree: CommandInfo): string {
  const all = allCommands(tree)
  const below = all.slice(1).map(({ path }) => quoted(path))
  const words = all.map(({ path, commands, options }) => {
    const names = [...commands.map(nameOf), ...options.map(({ long }) => long), ...globals(tree)]
    return `    ${quoted(path)}) words=${quoted([...new Set(names)].join(' '))} ;;`
  })
  return `_ses_bounce() {
  local current=\${COMP_WORDS[COMP_CWORD]} command='' words='' index next
  for ((index = 1; index < COMP_CWORD; index++)); do
    next="\${command:+$command }\${COMP_WORDS[index]}"
    case $next in
      ${below.join(' | ')}) command=$next ;;
    esac
  done
  case $command in
${words.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _ses_bounce ses-bounce
`
}

function fish(tree: CommandInfo): string {
  return `${allCommands(tree)
    .flatMap(info => [
      ...info.commands.map(one => fishLine(info, `-a ${nameOf(one)} -d ${quoted(one.summary)}`)),
      ...info.options
        .filter(({ long }) => long.startsWith('--'))
        .map(({ long, meaning, takesValue }) =>
          fishLine(info, `-l ${long.slice(2)}${takesValue ? ' -r' : ''} -d ${quoted(meaning)}`),
        ),
    ])
    .join('\n')}\n`
}

/** At the place of that command: behind its words, and none of the commands below it. */
function fishLine({ path, commands }: CommandInfo, what: string): string {
  const seen = path === '' ? [] : path.split(' ').map(word => `__fish_seen_subcommand_from ${word}`)
  const below = commands.map(nameOf).join(' ')
  const none = below === '' ? [] : [`not __fish_seen_subcommand_from ${below}`]
  const condition = [...seen, ...none].join('; and ')
  const when = condition === '' ? '' : ` -n ${quoted(condition)}`
  return `complete -c ses-bounce${when} ${what}`
}

function globals({ options }: CommandInfo): string[] {
  return options.map(({ long }) => long).filter(long => long !== '--version')
}

function nameOf({ path }: CommandInfo): string {
  return path.split(' ').at(-1) ?? ''
}

/** In single quotes, for all three shells: a quote is replaced by a typographic one, as texts have few. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", '’').replaceAll('\n', ' ')}'`
}
