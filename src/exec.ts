// Becoming another program.

import { checkOptions } from './arguments.ts';
import { ProcwardError, toError } from './errors.ts';
import { native } from './native.ts';
import { toEnvironment } from './spawn/environment.ts';
import { toArgv, toBlock } from './spawn/program.ts';

/**
 * Replaces this process by a program: execve(2). Returns only by throwing, with everything as it was.
 *
 * The program has our pid, working directory, credentials, limits and children, descriptors 0 to 2, and every other one that
 * is not close-on-exec, of which Node has none. All signals are at their default and none is blocked. No exit handler runs,
 * and nothing is flushed. Node's raised limit of descriptors goes along, since nobody knows what it was before: lower it with
 * {@link setResourceLimit} for programs that use select(2).
 *
 * Kernel: any. Source: execve(2).
 *
 * @param file A path, or a name that is looked for in `PATH` of the environment as execvp(3) does it.
 * @param options.env Default `process.env`.
 * @param options.argv0 Default: `file`.
 * @param args Without the program's own name; see `argv0`.
 * @throws {ProcwardError} With the errno of execve(2); `InvalidArgument` in a worker; `Busy` while this thread keeps a group
 * frozen, which nobody would thaw. Leases of workers are not seen: end those first.
 * @example
 * ```ts
 * import { exec } from 'procward';
 *
 * exec('sh', ['-c', 'echo "$$ is who we were"']);
 * ```
 */
export function exec(
  file: string,
  args: readonly string[] = [],
  options?: { env?: Readonly<Record<string, string | undefined>>; argv0?: string },
): never {
  const { env, argv0 } = checkOptions('options', options, ['env', 'argv0']);
  const argv = toBlock(toArgv(file, args, argv0));
  const variables = toEnvironment(env);
  const { exec: replace, keepsFrozen } = native();
  const error = keepsFrozen() ? frozen() : toError(replace(file, argv, variables));
  Error.captureStackTrace?.(error, exec);
  throw error;
}

function frozen(): ProcwardError {
  return new ProcwardError({
    kind: 'Busy',
    message: 'This program keeps a group frozen, which nobody would thaw if it became another',
    hint: 'release its leases first',
  });
}
