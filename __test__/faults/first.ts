// The first use of procward in a program, with one call failing: run anew for each fault, by main.ts. Prints what became of it as
// JSON; where the program became another one, nothing.

import { Cgroup, exec, features, Process, Procfs, procfs, run } from 'procward';
import { flawOf } from './operation.ts';
import { type Errno, give, takeBack } from './order.ts';

/** What each first use is, and whether its answer is true. Nothing of procward is loaded before. */
const FIRST: Readonly<Record<string, () => boolean | Promise<boolean>>> = {
  features: () => features().pidfd_open.since === '5.3',
  'procfs().readFileSync': () => procfs().readFileSync('self', 'comm', 'utf8').endsWith('\n'),
  'procfs().readFile': async () => (await procfs().readFile('self', 'comm', 'utf8')).endsWith('\n'),
  'Procfs.open': async () => {
    using root = await Procfs.open();
    return root.info.origin !== undefined;
  },
  'Process.self': () => {
    using self = Process.self();
    return self.alive && self.info().pid === process.pid;
  },
  run: async () => (await run('echo', ['x'])).stdout.toString() === 'x\n',
  'Cgroup.of': async () => {
    using group = await Cgroup.of(process.pid);
    return group.path.startsWith('/');
  },
  exec: () => exec('true'),
};

/** @returns What became of it, as {@link FirstUse}. */
async function use(title: string, nth: number, errno: Errno): Promise<FirstUse> {
  const act = FIRST[title] ?? (() => false);
  let problem: string | undefined;
  let told = 'survived';
  give(nth, errno);
  const outcome = await settle(act);
  const { call, reached } = takeBack();
  if ('error' in outcome) {
    const { error } = outcome;
    told = error instanceof Error && 'kind' in error ? String(error.kind) : 'wrong';
    problem = call === null ? `fails without a fault: ${error}` : flawOf(error, errno);
    // A failure is not remembered. Becoming another program would end the report, and shows itself by the next run.
    const again = title === 'exec' ? { value: true } : await settle(act);
    if (!('value' in again && again.value)) problem ??= `the next time it fails by itself: ${JSON.stringify(again)}`;
  } else if (!outcome.value) {
    problem = 'not true';
  }
  return { call, reached, told, problem };
}

async function settle(act: () => boolean | Promise<boolean>): Promise<{ value: boolean } | { error: unknown }> {
  try {
    return { value: await act() };
  } catch (error) {
    return { error };
  }
}

/** What became of a first use. */
export interface FirstUse {
  readonly call: string | null;
  readonly reached: boolean;
  readonly told: string;
  readonly problem?: string | undefined;
}

const [title = '', nth = '', errno = ''] = process.argv.slice(2);
if (title in FIRST) process.stdout.write(JSON.stringify(await use(title, Number(nth), errno as Errno)));
