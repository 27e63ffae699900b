// The program as the parser sees it: all commands by name, the one that is asked for in full.

import { Command, CommanderError } from 'commander';
import { version } from '../native.ts';
import { CATALOGUE } from './catalogue.ts';
import { FAILED, report } from './failure.ts';

const TARGETS = `
A TARGET is a process or a control group:
  1234             the process that has this id now
  1234@567890      the same, if it was started at that tick since boot (field 22 of /proc/PID/stat; \`procward ps\` shows
                   it): a number that was given to another process is an error, never a guess
  /jobs            the group of this path: version 2 where that is mounted, else the freezer of version 1
  memory:/jobs     the group in the hierarchy of this controller (memory:, pids:, freezer:, name=systemd:)

Exit codes: 0 done, 124 time was up, 125 procward failed or was called wrongly, 128+n ended by signal n; \`run\` has the
command's own, 126 when it cannot be executed and 127 when it is not found. Reference: docs/cli.md`;

/** Parses and runs; sets the exit code of this process. */
export async function runCommandLine(args: readonly string[]): Promise<void> {
  const program = createProgram();
  const asked = args.find((arg) => !arg.startsWith('-') && arg !== 'help');
  await defineCommands(program, (name) => name === asked);
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      // It has printed what is wrong, or the help that was asked for.
      process.exitCode = error.exitCode === 0 ? 0 : FAILED;
    } else {
      report(error, args);
    }
  }
}

/** The program without any command. */
export function createProgram(): Command {
  return new Command('procward')
    .description('Processes, control groups and a safe /proc on Linux')
    .version(version)
    .showHelpAfterError()
    .enablePositionalOptions()
    .exitOverride()
    .addHelpText('after', TARGETS);
}

/** Adds all commands; those that are wanted in full, the others by name. */
export async function defineCommands(program: Command, isWanted: (name: string) => boolean): Promise<void> {
  for (const { name, description, load } of CATALOGUE) {
    const command = program.command(name).description(description);
    if (isWanted(name)) (await load()).define(command);
  }
}
