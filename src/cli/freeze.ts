// `procward freeze`: holds groups still, for as long as this program runs.

import type { Command } from 'commander';
import { freezeAll } from '../freeze-all.ts';
import { signalled } from './failure.ts';
import { interruptible, Signals } from './interrupt.ts';
import { jsonLine, print } from './output.ts';
import { printable } from './printable.ts';
import { withProgress } from './progress.ts';
import { type GroupTarget, groupTargets, openGroup } from './target.ts';
import { duration } from './values.ts';

/** The longest that a timer takes, 24 days, is for ever here. */
const LONGEST_MS = 2 ** 31 - 1;

interface FreezeOptions {
  readonly for?: number;
  readonly timeout: number;
  readonly json?: true;
}

export function define(command: Command): void {
  command
    .argument('<group...>', 'which groups; all of them, or none', groupTargets)
    .option('--for <duration>', 'thaw after this time; without it, on ^C', duration)
    .option('--timeout <duration>', 'how long the kernel may take', duration, 3000)
    .option('--json', 'for programs: a line when frozen, a line when thawed')
    .addHelpText('after', '\nWhatever ends this program thaws, but for SIGKILL: then `procward thaw` does.')
    .action(freeze);
}

async function freeze(targets: GroupTarget[], options: FreezeOptions): Promise<void> {
  const groups = targets.map(openGroup);
  const paths = groups.map(({ path }) => path);
  const tell = (type: 'frozen' | 'thawed') => {
    const text = `${type} ${paths.map(printable).join(' ')}`;
    const until = options.for === undefined ? '; ^C thaws' : '';
    print(options.json ? jsonLine({ type, groups: paths }) : `${text}${type === 'frozen' ? until : ''}\n`);
  };
  // From before to after: a signal in between must not end us with the groups frozen.
  const signals = new Signals();
  try {
    const lease = await interruptible((signal) =>
      withProgress('freezing', freezeAll(groups, { timeoutMs: options.timeout, signal })),
    );
    // Interrupted, and undone.
    if (lease === undefined) return;
    tell('frozen');
    const signal = await firstOf(signals.first, options.for);
    await lease.release();
    tell('thawed');
    // ^C is how a freeze without a limit ends; other signals were not meant for the freeze alone.
    if (signal !== null && signal !== 'SIGINT') process.exitCode = signalled(signal);
  } finally {
    signals.leave();
  }
}

/** The signal, or null when the time is up. Keeps the program running until then. */
async function firstOf(signal: Promise<NodeJS.Signals>, ms = LONGEST_MS): Promise<NodeJS.Signals | null> {
  let timer: NodeJS.Timeout | undefined;
  const time = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), ms);
  });
  try {
    return await Promise.race([signal, time]);
  } finally {
    clearTimeout(timer);
  }
}
