// How processes ended, and what that is to a shell.

import type { Exit } from '../exit.ts';
import { FAILED, signalled } from './failure.ts';

/** The exit code that a shell has for it; what is not known is a failure of ours. */
export function exitCodeOf(exit: Exit): number {
  if (exit.type === 'exited') return exit.code;
  return exit.type === 'signaled' ? signalled(exit.signal) : FAILED;
}

export function showExit(exit: Exit): string {
  if (exit.type === 'exited') return `exited with ${exit.code}`;
  if (exit.type === 'signaled') return `ended by ${exit.signal}${exit.coreDumped ? ' (core dumped)' : ''}`;
  return 'ended, and this kernel does not tell how';
}
