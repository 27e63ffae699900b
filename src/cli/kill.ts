// `procward kill`: a signal to processes, or to all that is in groups.

import type { Command } from 'commander';
import type { Cgroup } from '../cgroup.ts';
import { ProcwardError } from '../errors.ts';
import type { SignalName } from '../signals.ts';
import { describeError, FAILED, isAnswer, messageOf } from './failure.ts';
import { interruptible } from './interrupt.ts';
import { print, printJson } from './output.ts';
import { withProgress } from './progress.ts';
import { openGroup, openProcess, type Target, targets } from './target.ts';
import { duration, signal as parseSignal } from './values.ts';

interface KillOptions {
  readonly signal: SignalName | number;
  readonly timeout: number;
  readonly json?: true;
}

/** What `kill --json` prints of each. */
interface Killed {
  readonly target: string;
  /** How many processes got it; null where a group was ended as a whole. */
  readonly signalled: number | null;
  readonly error: Record<string, unknown> | null;
}

export function define(command: Command): void {
  command
    .argument('<target...>', 'processes, and groups with all that is in them and below', targets)
    .option('-s, --signal <signal>', 'by name or number; 0 only looks whether it may be sent', parseSignal, 'SIGTERM')
    .option('--timeout <duration>', 'with KILL, how long a group may take to be empty', duration, 3000)
    .option('--json', 'for programs')
    .addHelpText('after', '\nKILL ends a group as a whole, forks included, and waits until it is empty.')
    .action(kill);
}

async function kill(targets: Target[], options: KillOptions): Promise<void> {
  await interruptible(async (abort) => {
    const results: Killed[] = [];
    for (const target of targets) {
      const signalled = await attempt(() => killOne(target, options, abort));
      results.push({ target: target.text, ...signalled });
    }
    if (options.json) printJson(results);
  });
}

/** One that fails does not keep the others from getting it. */
export async function attempt(act: () => Promise<number | null>): Promise<Omit<Killed, 'target'>> {
  try {
    return { signalled: await act(), error: null };
  } catch (error) {
    if (!isAnswer(error)) throw error;
    process.exitCode = FAILED;
    process.stderr.write(`procward: ${messageOf(error)}\n`);
    return { signalled: 0, error: describeError(error) };
  }
}

async function killOne(target: Target, options: KillOptions, abort: AbortSignal): Promise<number | null> {
  if (target.type === 'process') {
    using held = openProcess(target);
    held.signal(options.signal);
    return 1;
  }
  using group = openGroup(target);
  if (options.signal === 'SIGKILL' || options.signal === 9) {
    await withProgress(`killing ${target.text}`, group.kill({ timeoutMs: options.timeout, signal: abort }));
    return null;
  }
  const count = await signalMembers(group, options.signal);
  if (!options.json) print(`${count} process${count === 1 ? '' : 'es'} in ${target.text}\n`);
  return count;
}

/** Sends a signal to each of a group, one after the other: who is born meanwhile may be missed. */
export async function signalMembers(
  group: Cgroup,
  signal: SignalName | number,
  isMeant: (stat: string) => boolean = () => true,
): Promise<number> {
  let count = 0;
  for await (using member of group.processes({ recursive: true })) {
    try {
      if (!isMeant(member.readFileSync('stat', 'utf8'))) continue;
      member.signal(signal);
      count += 1;
    } catch (error) {
      if (!(error instanceof ProcwardError) || error.kind !== 'Gone') throw error;
    }
  }
  return count;
}
