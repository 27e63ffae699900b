// Faults to order: what the program `faults` of the testkit, which runs this one, is asked to do.

import { getPriority, constants as os } from 'node:os';

/** How calls fail: interrupted, in want of something that passes, broken, forbidden, missing. */
export const ERRNOS = ['EINTR', 'EAGAIN', 'EMFILE', 'ENFILE', 'ENOMEM', 'EIO', 'EPERM', 'ENOSYS'] as const;

export type Errno = (typeof ERRNOS)[number];

/** What became of an order: there were not that many calls, it was let go on, or this call failed. */
export type Came = { readonly call: string | null; readonly reached: boolean };

/** From the C library: getpriority(2) answers 20 less the niceness. */
const ZERO = 20;
const TAKE_BACK = -1;
const GIVE = 2 ** 28;

const names = new Map(
  (process.env['FAULTS_CALLS'] ?? '').split(' ').map((word) => {
    const [name = '', number = ''] = word.split('=');
    return [Number(number), name] as const;
  }),
);

/** Whether there is anybody to take orders. */
export const isSupervised = names.size > 1;

/** Has the n-th call from now on fail, of those that the addon makes in this program. */
export function give(nth: number, errno: Errno): void {
  getPriority(-(GIVE + (nth << 8) + os.errno[errno]));
}

/** From now on none does. */
export function takeBack(): Came {
  const answer = ZERO - getPriority(TAKE_BACK);
  if (answer < 2) return { call: null, reached: answer === 1 };
  return { call: names.get(answer - 2) ?? String(answer - 2), reached: true };
}
