// Pipes as bare descriptors, to be given to children.

import { checkBoolean, checkOptions } from './arguments.ts';
import { unwrap } from './errors.ts';
import { native } from './native.ts';

/**
 * A pipe: pipe2(2). Both descriptors belong to the caller, who closes them.
 *
 * Kernel: 2.6.27. Source: pipe2(2).
 *
 * @param options.closeOnExec Default true. What {@link spawn} gives to a child is inherited either way.
 * @param options.nonBlocking Default false. Of both ends, also for those who inherit them.
 * @returns The end to read from, and the end to write to.
 * @throws {ProcwardError} `Os` (EMFILE, ENFILE) when no descriptor is left; `InvalidArgument`.
 * @example
 * ```ts
 * import { closeSync } from 'node:fs';
 * import { pipe, spawn } from 'procward';
 *
 * const { readFd, writeFd } = pipe();
 * await using first = await spawn('ls', [], { stdio: ['ignore', writeFd, 'inherit'] });
 * await using second = await spawn('wc', ['-l'], { stdio: [readFd, 'inherit', 'inherit'] });
 * closeSync(writeFd); // or the second would wait for more
 * closeSync(readFd);
 * await second.wait();
 * ```
 */
export function pipe(options?: { closeOnExec?: boolean; nonBlocking?: boolean }): { readFd: number; writeFd: number } {
  const { closeOnExec = true, nonBlocking = false } = checkOptions('options', options, ['closeOnExec', 'nonBlocking']);
  const ends = native().pipe(
    checkBoolean('options.closeOnExec', closeOnExec),
    checkBoolean('options.nonBlocking', nonBlocking),
  );
  const [readFd, writeFd] = unwrap(ends) as [number, number];
  return { readFd, writeFd };
}
