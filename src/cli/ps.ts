// `procward ps`: processes as a table.

import type { Command } from 'commander';
import { Refusal } from './failure.ts';
import { print, printJson, showAge, showBytes, showCpu, table } from './output.ts';
import { printable } from './printable.ts';
import { type ProcessRow, showCommand } from './processes.ts';
import { select } from './selection.ts';
import { type Target, targets } from './target.ts';
import { credentialsOf } from './users.ts';

interface PsOptions {
  readonly user?: string;
  readonly kernel: boolean;
  readonly json?: true;
}

export function define(command: Command): void {
  command
    .argument('[target...]', 'only these processes, and those of these groups', targets)
    .option('--user <name>', 'only those of this user')
    .option('--no-kernel', 'without threads of the kernel, which are [in brackets]')
    .option('--json', 'for programs')
    .addHelpText(
      'after',
      '\nA * behind the parent: it is not the process that started this one, which has ended (inferred from sessions).',
    )
    .action(ps);
}

async function ps(targets: Target[] = [], { user, kernel, json }: PsOptions): Promise<void> {
  const uid = user === undefined ? undefined : uidOf(user);
  const rows = (await select(targets, false)).filter(
    (row) => (kernel || !row.kernelThread) && (uid === undefined || row.uid === uid),
  );
  if (json) printJson(rows);
  else print(formatProcesses(rows, Date.now()));
}

/** The table for a person. */
export function formatProcesses(rows: readonly ProcessRow[], now: number): string {
  return table(
    [
      { title: 'PID@START', right: true, text: ({ pid, startTime }) => `${pid}@${startTime}` },
      { title: 'PARENT', right: true, text: ({ ppid, reparented }) => `${ppid}${reparented ? '*' : ' '}` },
      { title: 'USER', text: ({ user, uid }) => printable(user ?? String(uid)) },
      { title: 'S', text: ({ state }) => state },
      { title: 'CPU', right: true, text: ({ cpuMs }) => showCpu(cpuMs) },
      { title: 'MEMORY', right: true, text: ({ residentBytes }) => showBytes(residentBytes) },
      { title: 'AGE', right: true, text: ({ startedAt }) => showAge(now - Date.parse(startedAt)) },
      { title: 'COMMAND', text: showCommand },
    ],
    rows,
  );
}

function uidOf(user: string): number {
  try {
    return credentialsOf(/^\d+$/.test(user) ? `${user}:0` : user).uid;
  } catch (error) {
    if (error instanceof Refusal) throw new Refusal(`option '--user' has '${user}', who is unknown here`);
    throw error;
  }
}
