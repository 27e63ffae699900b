// `procward stop`: asks to end, kills after a grace, and waits until what was meant is gone.

import type { Command } from 'commander';
import { ProcwardError } from '../errors.ts';
import type { Exit } from '../exit.ts';
import type { Process } from '../process.ts';
import type { SignalName } from '../signals.ts';
import { showExit } from './ending.ts';
import { describeError, FAILED, isAnswer, messageOf } from './failure.ts';
import { interruptible } from './interrupt.ts';
import { print, printJson } from './output.ts';
import { withProgress } from './progress.ts';
import { openGroup, openProcess, type Target, targets } from './target.ts';
import { duration, signal as parseSignal } from './values.ts';

interface StopOptions {
  readonly signal: SignalName | number;
  readonly grace: number;
  readonly timeout: number;
  readonly json?: true;
}

/** What `stop --json` prints of each: `exit` is null for a group, and where it failed. */
interface Stopped {
  readonly target: string;
  readonly ended: boolean;
  readonly exit: Exit | null;
  readonly error: Record<string, unknown> | null;
}

export function define(command: Command): void {
  command
    .argument('<target...>', 'processes, and groups with all that is in them and below', targets)
    .option('-s, --signal <signal>', 'what asks', parseSignal, 'SIGTERM')
    .option('--grace <duration>', 'how long they have until SIGKILL', duration, 5000)
    .option('--timeout <duration>', 'how long they may take to be gone after that', duration, 3000)
    .option('--json', 'for programs')
    .action(stop);
}

async function stop(targets: Target[], options: StopOptions): Promise<void> {
  await interruptible(async (abort) => {
    // All at once: a grace is waited for once, not once for each.
    const results = await withProgress(
      `stopping ${targets.map(({ text }) => text).join(' ')}`,
      Promise.all(targets.map((target) => stopOne(target, options, abort))),
    );
    if (options.json) printJson(results);
  });
}

async function stopOne(target: Target, options: StopOptions, abort: AbortSignal): Promise<Stopped> {
  try {
    const exit = await end(target, options, abort);
    if (!options.json) print(`${target.text} ${exit === null ? 'is empty' : showExit(exit)}\n`);
    return { target: target.text, ended: true, exit, error: null };
  } catch (error) {
    if (!isAnswer(error)) throw error;
    process.exitCode = FAILED;
    process.stderr.write(`procward: ${messageOf(error)}\n`);
    return { target: target.text, ended: false, exit: null, error: describeError(error) };
  }
}

async function end(target: Target, options: StopOptions, abort: AbortSignal): Promise<Exit | null> {
  const { signal, grace, timeout } = options;
  if (target.type === 'process') {
    using held = openProcess(target);
    return await endProcess(held, options, abort);
  }
  using group = openGroup(target);
  await group.stop({ killSignal: signal, graceMs: grace, timeoutMs: grace + timeout, signal: abort });
  return null;
}

async function endProcess(held: Process, { signal, grace, timeout }: StopOptions, abort: AbortSignal): Promise<Exit> {
  held.signal(signal);
  const exit = await within(held, grace, abort);
  if (exit !== null) return exit;
  try {
    held.signal('SIGKILL');
  } catch (error) {
    // It ended just now, and that is what was wanted.
    if (!(error instanceof ProcwardError) || error.kind !== 'Gone') throw error;
  }
  const killed = await within(held, timeout, abort);
  if (killed !== null) return killed;
  throw new ProcwardError({ kind: 'Leftovers', message: `Process ${held.pid} is still there`, pid: held.pid });
}

async function within(held: Process, ms: number, abort: AbortSignal): Promise<Exit | null> {
  const limit = AbortSignal.timeout(ms);
  try {
    return await held.wait({ signal: AbortSignal.any([abort, limit]) });
  } catch (error) {
    if (limit.aborted && !abort.aborted) return null;
    throw error;
  }
}
