// `procward wait`: until processes have ended, or groups are empty.

import type { Command } from 'commander';
import { Cgroup } from '../cgroup.ts';
import { abortError } from '../errors.ts';
import type { Exit } from '../exit.ts';
import type { CgroupEvent } from '../group-events.ts';
import type { Process } from '../process.ts';
import { waitAll } from '../wait.ts';
import { exitCodeOf, showExit } from './ending.ts';
import { TIMED_OUT } from './failure.ts';
import { interruptible } from './interrupt.ts';
import { print, printJson } from './output.ts';
import { withProgress } from './progress.ts';
import { openGroup, openProcess, type Target, targets } from './target.ts';
import { duration } from './values.ts';

interface WaitOptions {
  readonly any?: true;
  readonly timeout?: number;
  readonly exitCode?: true;
  readonly json?: true;
}

/** What `wait --json` prints of each: `exit` is null for a group, and for what has not ended. */
interface Waited {
  readonly target: string;
  readonly ended: boolean;
  readonly exit: Exit | null;
}

/** Members of a group are waited for by so many at once: a descriptor each. */
const AT_ONCE = 64;

export function define(command: Command): void {
  command
    .argument('<target...>', 'processes, and groups until they are empty', targets)
    .option('--any', 'until the first of them has ended')
    .option('--timeout <duration>', 'how long at most; then exit code 124', duration)
    .option('--exit-code', 'end with the exit code of the first that ended, 128+n for signal n')
    .option('--json', 'for programs')
    .action(wait);
}

async function wait(targets: Target[], options: WaitOptions): Promise<void> {
  await interruptible(async (signal) => {
    // Held before anything is waited for: a number that is nobody's is an error at once.
    const held = targets.map((target) => (target.type === 'process' ? openProcess(target) : openGroup(target)));
    const over = new AbortController();
    const limits = options.timeout === undefined ? [] : [AbortSignal.timeout(options.timeout)];
    const end = AbortSignal.any([signal, over.signal, ...limits]);
    const results: Waited[] = targets.map(({ text }) => ({ target: text, ended: false, exit: null }));
    let first: Exit | null | undefined;
    const waits = held.map(async (subject, at) => {
      const exit = subject instanceof Cgroup ? await untilEmpty(subject, end) : await subject.wait({ signal: end });
      results[at] = { target: targets[at]?.text ?? '', ended: true, exit };
      first ??= exit;
      if (!options.json) print(`${targets[at]?.text} ${exit === null ? 'is empty' : showExit(exit)}\n`);
    });
    const outcome = withProgress(
      `waiting for ${targets.map(({ text }) => text).join(' ')}`,
      settle(waits, options.any),
    );
    const isLate = await outcome.then(
      () => false,
      (error) => {
        if (signal.aborted) throw abortError(signal);
        if (end.aborted) return true;
        throw error;
      },
    );
    over.abort();
    await Promise.allSettled(waits);
    if (options.json) printJson(results);
    if (isLate) process.exitCode = TIMED_OUT;
    else if (options.exitCode && first) process.exitCode = exitCodeOf(first);
  });
}

function settle(waits: Promise<void>[], any: true | undefined): Promise<unknown> {
  return any ? Promise.race(waits) : Promise.all(waits);
}

/** Until no process is left in a group and below. */
async function untilEmpty(group: Cgroup, signal: AbortSignal): Promise<null> {
  const events = watchIfAnnounced(group, signal);
  if (events === null) return untilMembersEnded(group, signal);
  // Watched first, then looked at: nothing is missed in between.
  if ((await group.pids({ recursive: true })).length === 0) return null;
  for await (const { type } of events) if (type === 'empty' || type === 'removed') break;
  return null;
}

/** Null where the hierarchy does not announce that a group is empty: version 1, and the root of version 2. */
function watchIfAnnounced(group: Cgroup, signal: AbortSignal): AsyncIterable<CgroupEvent> | null {
  return group.version === 2 && group.path !== '/' ? group.watch({ signal }) : null;
}

/** Process by process; who comes meanwhile is waited for in the next round. */
async function untilMembersEnded(group: Cgroup, signal: AbortSignal): Promise<null> {
  for (;;) {
    const members: Process[] = [];
    try {
      for await (const member of group.processes({ recursive: true })) {
        members.push(member);
        if (members.length >= AT_ONCE) break;
      }
      if (members.length === 0) return null;
      await waitAll(members, { signal });
    } finally {
      for (const member of members) member.close();
    }
  }
}
