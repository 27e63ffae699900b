// Session, process group and terminal of a child, and what of it excludes each other.

import { checkBoolean, checkFd, checkInteger, invalid } from '../arguments.ts';
import type { SpawnOptions } from './options.ts';

/** @internal */
export function toTerminal(options: SpawnOptions, descriptors: number) {
  const { processGroup, controllingTerminal, foreground } = options;
  const session = checkBoolean('options.session', options.session ?? false);
  const detachTerminal = checkBoolean('options.detachTerminal', options.detachTerminal ?? false);
  if (detachTerminal && session)
    throw invalid(
      'options.detachTerminal',
      true,
      'left out with options.session: a session has no terminal to give up',
    );
  return {
    session,
    detachTerminal,
    ...(processGroup !== undefined && { processGroup: toProcessGroup(processGroup, session, foreground) }),
    ...(controllingTerminal !== undefined && {
      controllingTerminal: toControllingTerminal(controllingTerminal, session, descriptors),
    }),
    ...(foreground !== undefined && { foreground: toForeground(options, foreground) }),
  };
}

function toProcessGroup(group: 'new' | number, session: boolean, foreground: number | undefined): number {
  if (session)
    throw invalid('options.processGroup', group, 'left out with options.session: a session has a new group already');
  if (foreground !== undefined && group !== 'new')
    throw invalid('options.processGroup', group, "'new' or left out with options.foreground");
  return group === 'new'
    ? 0
    : checkInteger('options.processGroup', group, 1, 2 ** 22, "'new' or a process group id: an integer");
}

function toControllingTerminal(descriptor: number, session: boolean, descriptors: number): number {
  const name = 'options.controllingTerminal';
  checkFd(name, descriptor);
  if (!session)
    throw invalid(name, descriptor, 'given with options.session: only the leader of a session can have one');
  if (descriptor >= descriptors)
    throw invalid(name, descriptor, `a descriptor of the child, of which options.stdio gives it ${descriptors}`);
  return descriptor;
}

function toForeground({ session, controllingTerminal, detachTerminal }: SpawnOptions, terminal: number): number {
  const name = 'options.foreground';
  checkFd(name, terminal);
  const others = { session, controllingTerminal, detachTerminal };
  for (const [other, value] of Object.entries(others)) {
    if (value !== undefined && value !== false)
      throw invalid(name, terminal, `left out with options.${other}: the foreground belongs to our session's terminal`);
  }
  return terminal;
}
