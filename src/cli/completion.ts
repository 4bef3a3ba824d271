// `ses-bounce completion SHELL`: writes a script with which the shell completes commands and options.

import { type CommandTable, type Describe, UsageError } from './command-line'
import { commandTree } from './command-tree'
import { completionScript, SHELLS } from './completion-scripts'

/** `commands`: those of the program. */
export const describeCompletion =
  (commands: () => CommandTable): Describe =>
  (command, { out, exit }) => {
    command
      .description('Writes a script with which a shell completes commands and options.')
      .argument('<SHELL>', SHELLS.join(', '))
      .addHelpText(
        'after',
        `
  bash  ses-bounce completion bash > /etc/bash_completion.d/ses-bounce
  zsh   add to ~/.zshrc: source <(ses-bounce completion zsh)
  fish  ses-bounce completion fish > ~/.config/fish/completions/ses-bounce.fish`,
      )
      .action(
        exit(({ args: [name] }) => {
          const shell = SHELLS.find(one => one === name)
          if (shell === undefined) throw new UsageError(`no completion for "${name}"; ${SHELLS.join(', ')}`)
          out.line(completionScript(shell, commandTree(commands())).trimEnd())
          return 0
        }),
      )
  }
