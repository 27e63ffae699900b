// Waiting for many processes at once.

import { checkOptions, checkSignal, invalid } from './arguments.ts';
import { abortError } from './errors.ts';
import type { Exit } from './exit.ts';
import { native } from './native.ts';
import { isProcess, type Process, watchExit } from './process.ts';
import { untilAborted, type Watch } from './watch.ts';

/**
 * Resolves with the first of many processes to exit, and how it did. The others go on, unwatched.
 *
 * One descriptor for each and no thread; the same process may be given twice. Of several that have ended already, the first
 * of the list wins.
 *
 * Kernel: as {@link Process.wait}. Sources: pidfd_open(2), waitid(2), epoll(7).
 *
 * @param options.signal Ends the waiting, not the processes: rejects with an AbortError.
 * @param processes Children and strangers, in any mixture.
 * @returns The process, and how it ended.
 * @throws {ProcwardError} At once: `InvalidArgument` when there is nothing to wait for, `Closed` when one of the handles is.
 * @example
 * ```ts
 * import { spawn, waitAny } from 'procward';
 *
 * const racers = await Promise.all([spawn('sleep', ['0.1']), spawn('sleep', ['1000'])]);
 * const { process, exit } = await waitAny(racers);
 * console.log(process === racers[0], exit.type); // true exited
 * racers[1].signal('SIGKILL');
 * ```
 */
export function waitAny(
  processes: Iterable<Process>,
  options?: { signal?: AbortSignal },
): Promise<{ process: Process; exit: Exit }> {
  const waited = checkProcesses(processes);
  if (waited.length === 0) throw invalid('processes', waited, 'at least one Process');
  return waitTogether(waited, options, (watches) =>
    Promise.race(watches.map(({ process, promise }) => promise.then((exit) => ({ process, exit })))),
  );
}

/**
 * Resolves when all of these processes have exited, with their exits in the order of the list; with an empty list for none.
 *
 * One descriptor for each and no thread. When waiting for one of them fails, the rest is no longer waited for.
 *
 * Kernel: as {@link Process.wait}. Sources: pidfd_open(2), waitid(2), epoll(7).
 *
 * @param options.signal Ends the waiting, not the processes: rejects with an AbortError.
 * @param processes Children and strangers, in any mixture.
 * @returns The exits, in the order of the list.
 * @throws {ProcwardError} At once: `Closed` when one of the handles is.
 * @example
 * ```ts
 * import { spawn, waitAll } from 'procward';
 *
 * const children = await Promise.all([spawn('true'), spawn('false')]);
 * const exits = await waitAll(children);
 * console.log(exits.map((exit) => exit.type === 'exited' && exit.code)); // [ 0, 1 ]
 * ```
 */
export function waitAll(processes: Iterable<Process>, options?: { signal?: AbortSignal }): Promise<Exit[]> {
  return waitTogether(checkProcesses(processes), options, (watches) =>
    Promise.all(watches.map(({ promise }) => promise)),
  );
}

function checkProcesses(processes: unknown): Process[] {
  // Refuses where nothing works, as every function does.
  native();
  const iterates = typeof processes === 'object' && processes !== null && Symbol.iterator in processes;
  // Bytes are no processes, and cannot be iterated over once they were given away.
  if (!iterates || ArrayBuffer.isView(processes) || typeof processes[Symbol.iterator] !== 'function')
    throw invalid('processes', processes, 'an iterable of Process');
  return Array.from(processes as Iterable<unknown>, (process, at) => {
    if (isProcess(process)) return process;
    throw invalid(`processes[${at}]`, process, 'a Process');
  });
}

interface ProcessWatch extends Watch<Exit> {
  readonly process: Process;
}

function waitTogether<T>(
  processes: readonly Process[],
  options: { signal?: AbortSignal } | undefined,
  toAnswer: (watches: readonly ProcessWatch[]) => Promise<T>,
): Promise<T> {
  const { signal } = checkOptions('options', options, ['signal']);
  checkSignal('options.signal', signal);
  if (signal?.aborted) return Promise.reject(abortError(signal));
  const watches: ProcessWatch[] = [];
  try {
    for (const process of processes) watches.push({ process, ...watchExit(process) });
  } catch (error) {
    for (const { promise, leave } of watches) {
      // Given up, and nobody is told.
      promise.catch(() => {});
      leave();
    }
    throw error;
  }
  return untilAborted(toAnswer(watches), watches, signal);
}
