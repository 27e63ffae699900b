// `procward completion`: scripts for shells, made from the commands themselves.

import { Argument, type Command } from 'commander';
import { print } from './output.ts';
import { createProgram, defineCommands } from './program.ts';

/** A command as completion sees it: its words, what it is for, its options, and whether it is about processes. */
interface Known {
  readonly words: readonly string[];
  readonly description: string;
  readonly options: readonly { readonly flag: string; readonly description: string; readonly takesValue: boolean }[];
  readonly subcommands: readonly string[];
  readonly choices: readonly string[];
  readonly takesTarget: boolean;
}

const SHELLS = { bash, zsh, fish } as const;

export function define(command: Command): void {
  command
    .addArgument(new Argument('<shell>', 'which').choices(Object.keys(SHELLS)))
    .addHelpText(
      'after',
      `
  bash  procward completion bash > ~/.local/share/bash-completion/completions/procward
  zsh   procward completion zsh > "\${fpath[1]}/_procward"
  fish  procward completion fish > ~/.config/fish/completions/procward.fish`,
    )
    .action(async (shell: keyof typeof SHELLS) => {
      const program = createProgram();
      await defineCommands(program, () => true);
      print(SHELLS[shell](list(program)));
    });
}

/** All commands, each below the one it belongs to. */
function list(program: Command): Known[] {
  const open: { command: Command; words: string[] }[] = [{ command: program, words: [] }];
  const known: Known[] = [];
  for (const { command, words } of open) {
    known.push(describe(command, words));
    for (const below of command.commands) open.push({ command: below, words: [...words, below.name()] });
  }
  return known;
}

function describe(command: Command, words: readonly string[]): Known {
  const options = command.options.flatMap(({ short, long, description, required }) =>
    [short, long].filter((flag) => flag !== undefined).map((flag) => ({ flag, description, takesValue: required })),
  );
  const names = command.registeredArguments.map((argument) => argument.name());
  return {
    words,
    description: command.description(),
    options: [...options, { flag: '--help', description: 'how it is used', takesValue: false }],
    subcommands: command.commands.map((below) => below.name()),
    choices: command.registeredArguments.flatMap((argument) => argument.argChoices ?? []),
    takesTarget: names.includes('target'),
  };
}

const key = ({ words }: Known) => words.join(' ');
const quote = (text: string) => `'${text.replaceAll("'", String.raw`'\''`)}'`;
const flagsOf = ({ options }: Known) => options.map(({ flag }) => flag).join(' ');
const valued = (known: readonly Known[]) => [
  ...new Set(known.flatMap(({ options }) => options.filter(({ takesValue }) => takesValue).map(({ flag }) => flag))),
];

function bash(known: readonly Known[]): string {
  const cases = known.map((command) => {
    const next = [...command.subcommands, ...command.choices].join(' ');
    const pids = command.takesTarget ? ' $(cd /proc && echo [0-9]*)' : '';
    return `    ${quote(key(command))}) flags=${quote(flagsOf(command))} words="${next}${pids}" ;;`;
  });
  const below = known.filter(({ words }) => words.length > 0).map((command) => quote(key(command)));
  return `# bash completion of procward
_procward() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} command='' flags='' words='' at
  for ((at = 1; at < COMP_CWORD; at++)); do
    if [[ $command == run && \${COMP_WORDS[at]} == -- ]]; then
      COMPREPLY=($(compgen -c -f -- "$current"))
      return
    fi
    case "\${command:+$command }\${COMP_WORDS[at]}" in
      ${below.join(' | ')}) command="\${command:+$command }\${COMP_WORDS[at]}" ;;
    esac
  done
  case $previous in
    ${valued(known).join(' | ')}) COMPREPLY=($(compgen -f -- "$current")); return ;;
  esac
  case $command in
${cases.join('\n')}
  esac
  [[ $current == -* ]] && words=$flags
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _procward procward
`;
}

function zsh(known: readonly Known[]): string {
  const escaped = (text: string) => text.replace(/[[\]:\\]/g, '\\$&');
  const cases = known.map((command) => {
    const options = command.options.map(({ flag, description, takesValue }) =>
      quote(`${flag}[${escaped(description)}]${takesValue ? ':value:_files' : ''}`),
    );
    const below = known.filter(
      ({ words }) => words.length === command.words.length + 1 && key(command) === words.slice(0, -1).join(' '),
    );
    const subcommands = below.map(({ words, description }) => quote(`${words.at(-1)}:${escaped(description)}`));
    const rest =
      key(command) === 'run'
        ? `'*::command:_normal'`
        : command.takesTarget
          ? `'*:process:_pids'`
          : command.choices.length > 0
            ? quote(`1:which:(${command.choices.join(' ')})`)
            : `'*:file:_files'`;
    const words =
      subcommands.length === 0 ? `_arguments ${options.join(' ')} ${rest}` : `commands=(${subcommands.join(' ')})`;
    return `    ${quote(key(command))}) ${words} ;;`;
  });
  const paths = known.filter(({ words }) => words.length > 0).map((command) => quote(key(command)));
  return `#compdef procward
_procward() {
  local command='' word
  local -a commands
  integer depth=1
  for word in \${words[2,CURRENT-1]}; do
    case "\${command:+$command }$word" in
      ${paths.join(' | ')}) command="\${command:+$command }$word"; (( depth++ )) ;;
      *) break ;;
    esac
  done
  shift $(( depth - 1 )) words
  (( CURRENT -= depth - 1 ))
  case $command in
${cases.join('\n')}
  esac
  (( \${#commands} )) && _describe 'command' commands
}
if [[ $funcstack[1] == _procward ]]; then _procward "$@"; else compdef _procward procward; fi
`;
}

function fish(known: readonly Known[]): string {
  const lines = known.flatMap((command) => {
    const seen = command.words.map((word) => `__fish_seen_subcommand_from ${word}`);
    const others = command.subcommands.join(' ');
    const after = seen.length === 0 ? '__fish_use_subcommand' : seen.join('; and ');
    const next = others === '' || seen.length === 0 ? after : `${after}; and not __fish_seen_subcommand_from ${others}`;
    const below = known.filter(
      ({ words }) => words.length === command.words.length + 1 && key(command) === words.slice(0, -1).join(' '),
    );
    return [
      ...below.map(
        ({ words, description }) =>
          `complete -c procward -f -n ${quote(next)} -a ${words.at(-1)} -d ${quote(description)}`,
      ),
      ...command.choices.map((choice) => `complete -c procward -f -n ${quote(after)} -a ${choice}`),
      ...(command.takesTarget ? [`complete -c procward -f -n ${quote(after)} -a '(__fish_complete_pids)'`] : []),
      ...command.options.map(({ flag, description, takesValue }) => {
        const name = flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`;
        return `complete -c procward -n ${quote(after)} ${name}${takesValue ? ' -r' : ''} -d ${quote(description)}`;
      }),
      ...(key(command) === 'run' ? [`complete -c procward -n ${quote(after)} -a '(__fish_complete_subcommand)'`] : []),
    ];
  });
  return `# fish completion of procward\n${lines.join('\n')}\n`;
}
