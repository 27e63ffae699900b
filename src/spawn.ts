// Starting a program: one call into the addon, and the child that comes of it.

import type * as Addon from './addon.d.ts';
import { checkOptions, checkSignal, checkTimeout } from './arguments.ts';
import { Child } from './child.ts';
import { begin } from './completions.ts';
import { abortError, ProcwardError } from './errors.ts';
import { native } from './native.ts';
import { signalNumber } from './signals.ts';
import { SPAWN_OPTIONS, type SpawnOptions } from './spawn/options.ts';
import { prepare, withGroups } from './spawn/plan.ts';

/**
 * Starts a program. Resolves once it has been executed; what it does then is told by {@link Child.wait}.
 *
 * The child gets the descriptors of `stdio` and no others, no ignored or blocked signals, and is held by a pidfd from birth.
 * This thread is not stopped meanwhile, however large the program's memory is.
 *
 * Kernel: 5.4. Without clone3 (5.3, or filtered) the child joins `cgroup` itself before it runs the program.
 *
 * Sources: clone(2), execve(2), setsid(2), prctl(2), cgroups(7).
 *
 * @param file A path, or a name that is looked for in `PATH` of the child's environment as execvp(3) does it.
 * @param args Without the program's own name; see `argv0`.
 * @param options Its directory, environment, descriptors, rights, limits, group. Default: all as ours, with pipes for 0 to 2.
 * @returns The child, which runs the program by now.
 * @throws {ProcwardError} Rejects with kind `SpawnFailed`; `stage` says which step failed and `code` why: a missing program
 * is stage `exec` with `ENOENT`, a missing directory stage `cwd`. Bad options, and options that exclude each other, throw at
 * once, before anything is started. An AbortSignal that fires first is an AbortError.
 * @example
 * ```ts
 * import { spawn } from 'procward';
 *
 * await using child = await spawn('sort', ['-r'], { stdio: ['pipe', 'pipe', 'inherit'] });
 * child.stdin!.end('a\nb\n');
 * for await (const chunk of child.stdout!) process.stdout.write(chunk);
 * console.log(await child.wait()); // { type: 'exited', code: 0, … }
 * ```
 */
export function spawn(file: string, args: readonly string[] = [], options?: SpawnOptions): Promise<Child> {
  const checked = checkOptions('options', options, SPAWN_OPTIONS);
  const prepared = prepare(file, args, checked);
  const signal = checkSignal('options.signal', checked.signal);
  const killSignal = signalNumber('options.killSignal', checked.killSignal ?? 'SIGTERM');
  const timeoutMs = checkTimeout('options.timeoutMs', checked.timeoutMs ?? Number.POSITIVE_INFINITY);
  if (signal?.aborted) return Promise.reject(abortError(signal));

  const starting = withGroups(
    prepared,
    (plan) =>
      begin<Addon.Child>((environment, id) => native().spawn(environment, id, plan, prepared.entered), undefined, spawn)
        .promise,
  );
  if (starting instanceof ProcwardError) {
    Error.captureStackTrace?.(starting, spawn);
    return Promise.reject(starting);
  }
  return starting.then((started) => {
    const child = new Child(started, file, prepared.argv);
    child.endWhen(signal, killSignal, timeoutMs);
    return child;
  });
}
