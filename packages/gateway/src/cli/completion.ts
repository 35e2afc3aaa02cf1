/** `tollgate completion`: a static script for the shell, from the command tree. It runs nothing when it completes. */
import { Argument, type Command, type Option } from 'commander'
import { EXIT, print } from './terminal.ts'
import { leaving } from './command.ts'

const shells = { bash, zsh, fish } as const

/** Registers the command. */
export function addCompletion(program: Command): void {
  program
    .command('completion')
    .description('write a completion script; for bash: source <(tollgate completion bash)')
    .addArgument(new Argument('<shell>', 'which shell').choices(Object.keys(shells)))
    .action(
      leaving((shell: keyof typeof shells) => {
        print(shells[shell](wordsOf(program)))
        return EXIT.ok
      }),
    )
}

/** What may follow a command: its sub-commands, flags, and the choices of its first argument. */
interface Words {
  /** Names from the top, without the program's own; `key create`. */
  readonly command: string
  readonly subcommands: readonly { readonly name: string; readonly description: string }[]
  readonly options: readonly Option[]
  readonly choices: readonly string[]
}

function wordsOf(command: Command, names: readonly string[] = []): readonly Words[] {
  const subcommands = command.commands.map((each) => ({ name: each.name(), description: each.description() }))
  const help = command.createHelp()
  const own: Words = {
    command: names.join(' '),
    subcommands,
    options: [...help.visibleOptions(command)],
    choices: command.registeredArguments[0]?.argChoices ?? [],
  }
  return [own, ...command.commands.flatMap((each) => wordsOf(each, [...names, each.name()]))]
}

function flagsOf({ short, long }: Option): string[] {
  return [short, long].filter((flag) => flag !== undefined)
}

function allWords({ subcommands, options, choices }: Words): string {
  return [...subcommands.map(({ name }) => name), ...choices, ...options.flatMap(flagsOf)].join(' ')
}

function takesPath({ flags }: Option): boolean {
  return /<(file|folder)>/.test(flags)
}

/** Flags that take a path, as one pattern of the shell. */
function fileFlags(tree: readonly Words[]): string {
  const flags = tree.flatMap(({ options }) => options.filter(takesPath).flatMap(flagsOf))
  return [...new Set(flags)].join('|')
}

/** The names in the line that are commands, joined by blanks: the part that bash and zsh share. */
function caseOfNames(tree: readonly Words[]): string {
  const paths = tree.map(({ command }) => command).filter((command) => command !== '')
  return paths.map((path) => `"${path}"`).join('|')
}

function bash(tree: readonly Words[]): string {
  const cases = tree.map((words) => `    "${words.command}") words="${allWords(words)}" ;;`)
  return `# bash completion for tollgate
_tollgate() {
  local command="" word words=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${command:+$command }$word" in
      ${caseOfNames(tree)}) command="\${command:+$command }$word" ;;
    esac
  done
  case "\${COMP_WORDS[COMP_CWORD-1]}" in
    ${fileFlags(tree)}) COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}")); return ;;
  esac
  case "$command" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _tollgate tollgate`
}

function zsh(tree: readonly Words[]): string {
  const quote = (text: string) => `'${text.replaceAll("'", `'\\''`).replaceAll(':', '\\:')}'`
  const described = ({ subcommands, options, choices }: Words) =>
    [
      ...subcommands.map(
        ({ name, description }) => `${quote(name).slice(0, -1)}:${quote(description).slice(1)}`,
      ),
      ...choices.map(quote),
      ...options.flatMap((option) =>
        flagsOf(option).map((flag) => `${quote(flag).slice(0, -1)}:${quote(option.description).slice(1)}`),
      ),
    ].join(' ')
  const cases = tree.map((words) => `    "${words.command}") candidates=(${described(words)}) ;;`)
  return `#compdef tollgate
_tollgate() {
  local command="" word
  local -a candidates
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "\${command:+$command }$word" in
      ${caseOfNames(tree)}) command="\${command:+$command }$word" ;;
    esac
  done
  case "\${words[CURRENT-1]}" in
    ${fileFlags(tree)}) _files; return ;;
  esac
  case "$command" in
${cases.join('\n')}
  esac
  _describe 'tollgate' candidates || _files
}
if [ "\${funcstack[1]}" = "_tollgate" ]; then _tollgate "$@"; else compdef _tollgate tollgate; fi`
}

function fish(tree: readonly Words[]): string {
  const quote = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
  const lines = tree.flatMap(({ command, subcommands, options, choices }) => {
    const here = `complete -c tollgate -n ${quote(`__tollgate_at ${quote(command)}`)}`
    return [
      ...subcommands.map(({ name, description }) => `${here} -f -a ${name} -d ${quote(description)}`),
      ...(choices.length === 0 ? [] : [`${here} -f -a ${quote(choices.join(' '))}`]),
      ...options.map((option) => {
        const short = option.short === undefined ? '' : ` -s ${option.short.slice(1)}`
        const takes = option.isBoolean() ? '' : takesPath(option) ? ' -r -F' : ' -x'
        return `${here}${short} -l ${(option.long ?? '').slice(2)}${takes} -d ${quote(option.description)}`
      }),
    ]
  })
  const paths = tree.map(({ command }) => command).filter((command) => command !== '')
  return `# fish completion for tollgate
function __tollgate_at
    set -l command ''
    for word in (commandline -opc)[2..-1]
        set -l longer (string trim -- "$command $word")
        if contains -- "$longer" ${paths.map(quote).join(' ')}
            set command "$longer"
        end
    end
    test "$command" = "$argv[1]"
end
${lines.join('\n')}`
}
