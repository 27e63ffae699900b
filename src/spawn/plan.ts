// Options to plan: every check is made here, before anything is opened or started.

import { fileURLToPath } from 'node:url';
import type * as Addon from '../addon.d.ts';
import { checkFd, checkList, checkString, invalid } from '../arguments.ts';
import { directoryOf, isCgroup } from '../cgroup.ts';
import { isFailure, type ProcwardError, toError, unwrap } from '../errors.ts';
import { checkGroupPath } from '../matcher.ts';
import { native } from '../native.ts';
import type { RunOptions } from '../run.ts';
import { type SignalName, signalName, signalNumber } from '../signals.ts';
import { toRememberedEnvironment } from './environment.ts';
import { type Entered, toEntered, toNamespaces } from './namespaces.ts';
import type { SpawnOptions } from './options.ts';
import { toArgv, toBlock } from './program.ts';
import { toResources } from './resources.ts';
import { toRights } from './rights.ts';
import { toStdio } from './stdio.ts';
import { toTerminal } from './terminal.ts';

/** What can no longer be wrong by itself. @internal */
export interface Prepared {
  readonly plan: Addon.SpawnPlan;
  /** With the program's own name. */
  readonly argv: readonly string[];
  readonly entered: Addon.Process | undefined;
  /** Where it begins: descriptors, and paths of groups that are still to be opened. */
  readonly groups: readonly (number | string)[];
}

/** Options of which nothing further follows. Most spawns have no others, and the thread is not held for what they leave out. */
const PLAIN: ReadonlySet<string> = new Set([
  'cwd',
  'cgroup',
  'env',
  'argv0',
  'stdio',
  'signal',
  'killSignal',
  'timeoutMs',
  'input',
  'maxBufferBytes',
] satisfies (keyof SpawnOptions | keyof RunOptions)[]);

/** @internal */
export function prepare(file: string, args: readonly string[], options: SpawnOptions): Prepared {
  const { cwd } = options;
  const stdio = toStdio(options.stdio);
  const argv = toArgv(file, args, options.argv0);
  const plan: Addon.SpawnPlan = { file, argv: toBlock(argv), stdio };
  const env = toRememberedEnvironment(options.env);
  if (env !== undefined) plan.env = env;
  if (cwd !== undefined) plan.cwd = checkString('options.cwd', cwd instanceof URL ? toPath(cwd) : cwd);
  const plain = Object.keys(options).every((name) => PLAIN.has(name));
  const entered = plain ? undefined : toEntered(options);
  if (!plain) plan.further = toFurther(options, stdio.length, entered);
  return {
    plan,
    argv,
    entered: entered?.process,
    groups: toGroups(options.cgroup),
  };
}

function toPath(url: URL): string {
  try {
    return fileURLToPath(url);
  } catch {
    throw invalid('options.cwd', url, 'a path, or a file: URL of one');
  }
}

function toFurther(options: SpawnOptions, descriptors: number, entered: Entered | undefined): Addon.FurtherPlan {
  const { root, parentDeathSignal } = options;
  return {
    ...toTerminal(options, descriptors),
    ...toNamespaces(options),
    enteredNamespaces: entered?.namespaces ?? [],
    ...toRights(options),
    ...toResources(options),
    ignoredSignals: toIgnored(options.ignoredSignals),
    ...(root !== undefined && { root: checkString('options.root', root) }),
    ...(parentDeathSignal !== undefined && {
      parentDeathSignal: signalNumber('options.parentDeathSignal', parentDeathSignal),
    }),
  };
}

/** Groups that were given by their path are open just long enough for a child to begin in them. @internal */
export function withGroups<T>({ plan, groups }: Prepared, start: (plan: Addon.SpawnPlan) => T): T | ProcwardError {
  if (groups.length === 0) return start(plan);
  const opened: Addon.Cgroup[] = [];
  try {
    const cgroups: number[] = [];
    for (const group of groups) {
      if (typeof group === 'number') {
        cgroups.push(group);
        continue;
      }
      const found = native().Cgroup.open(group, undefined);
      if (isFailure(found)) return toError({ ...found, failure: 'SpawnFailed', stage: 'cgroup' });
      opened.push(found);
      cgroups.push(unwrap(found.describe()).fd);
    }
    return start({ ...plan, cgroups });
  } finally {
    for (const group of opened) group.close();
  }
}

function toGroups(cgroup: SpawnOptions['cgroup']): (number | string)[] {
  if (cgroup === undefined) return [];
  if (!Array.isArray(cgroup)) return [toGroup('options.cgroup', cgroup)];
  return checkList('options.cgroup', cgroup, 'an array of groups', toGroup);
}

function toGroup(name: string, group: unknown): number | string {
  if (typeof group === 'string') return checkGroupPath(name, group);
  if (typeof group === 'number') return checkFd(name, group);
  if (isCgroup(group)) return directoryOf(group);
  throw invalid(name, group, 'a Cgroup, its path or a directory descriptor');
}

function toIgnored(signals: readonly SignalName[] = []): number[] {
  return checkList('options.ignoredSignals', signals, 'an array of signal names', (name, signal) => {
    const number = signalNumber(name, signal);
    if (['SIGKILL', 'SIGSTOP'].includes(signalName(number)))
      throw invalid(name, signal, 'a signal that can be ignored: SIGKILL and SIGSTOP cannot');
    return number;
  });
}
