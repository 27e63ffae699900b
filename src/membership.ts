// Who is where: the groups that a process is in, and the processes that a group holds.

import type * as Addon from './addon.d.ts';
import { checkPid, invalid } from './arguments.ts';
import { perform } from './completions.ts';
import { type GroupMatcher, invalidMatcher, toMatcher } from './matcher.ts';
import { native } from './native.ts';
import { isProcess, nativeOf, Process } from './process.ts';

/**
 * The path of a process in the hierarchy that matches: snapd's `ProcGroup`.
 *
 * The first line of /proc/<pid>/cgroup that matches counts, and lines that are none are passed over. `{ name }` is a hierarchy
 * with a name and no controller. The path is whole, colons and all, and as the cgroup namespace of this program shows it: one
 * outside begins with `/..`, one of a group that was removed ends with ` (deleted)`.
 *
 * Kernel: any with control groups. Sources: cgroups(7), cgroup_namespaces(7).
 *
 * @param process Given as a handle, the answer is about this process or it is an error; a number is looked up once.
 * @param matcher Which line of /proc/<pid>/cgroup.
 * @returns The path, below the root of that hierarchy.
 * @throws {ProcwardError} `NotFound` when no line matches, or no process has this id; `Gone` when the one that is held has ended and was
 * reaped; as `Procfs.readFile`, when /proc cannot be trusted.
 * @example
 * ```ts
 * import { cgroupPathOf } from 'procward';
 *
 * console.log(await cgroupPathOf(process.pid, { controller: 'memory' }).catch(({ kind }) => kind)); // …
 * ```
 */
export function cgroupPathOf(process: Process | number, matcher: GroupMatcher): Promise<string> {
  const { pid, held } = toSubject(process);
  if (matcher === undefined) throw invalidMatcher('matcher', matcher);
  const hierarchy = toMatcher(matcher, 'matcher');
  return perform((environment, id) => native().cgroupPathOf(environment, id, pid, held, hierarchy));
}

/**
 * The path of a process in the hierarchy that systemd tracks processes with: version 2 where it leads, else the one named
 * `systemd`. snapd's `ProcessPathInTrackingCgroup`.
 *
 * Beside version 1 hierarchies a version 2 line is not believed: it stays behind when version 2 was mounted once. A file with a
 * line that no kernel writes is an error, even if another line would do.
 *
 * Kernel: any with control groups. Sources: cgroups(7), cgroup_namespaces(7).
 *
 * @param process As for {@link cgroupPathOf}.
 * @returns The path, below the root of that hierarchy.
 * @throws {ProcwardError} as {@link cgroupPathOf}; `NotFound` also when systemd tracks nothing here.
 * @example
 * ```ts
 * import { trackingPathOf } from 'procward';
 *
 * console.log(await trackingPathOf(process.pid).catch(({ kind }) => kind)); // …
 * ```
 */
export function trackingPathOf(process: Process | number): Promise<string> {
  const { pid, held } = toSubject(process);
  return perform((environment, id) => native().trackingPathOf(environment, id, pid, held));
}

/** Each process of a group as a handle, if it is still there when its turn comes. @internal */
export async function* processesOf(group: Addon.Cgroup, recursive: boolean): AsyncGenerator<Process, void, undefined> {
  const pids = await perform<number[]>((environment, id) => group.pids(environment, id, recursive));
  for (const pid of pids) {
    const member = await perform<Addon.Process | null>((environment, id) =>
      group.member(environment, id, pid, recursive),
    );
    if (member !== null) yield new Process(member);
  }
}

/** Whom a question is about: a process that is held, or a number. @internal */
export function toSubject(process: unknown): { readonly pid: number; readonly held: Addon.Process | undefined } {
  if (isProcess(process)) return { pid: process.pid, held: nativeOf(process) };
  if (typeof process === 'number') return { pid: checkPid('process', process), held: undefined };
  throw invalid('process', process, 'a Process or a process id');
}
