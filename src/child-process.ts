// A child of ours in the shape of node:child_process, for code that was written for that.

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Child } from './child.ts';
import { ProcwardError } from './errors.ts';
import { type SignalName, signalNumber } from './signals.ts';

/** The fields of a ChildProcess that Node's types do not let one set. */
type Fields = { -readonly [Name in keyof ChildProcess]: ChildProcess[Name] };

/** @internal */
export function asChildProcess(child: Child, file: string, argv: readonly string[]): ChildProcess {
  const { ChildProcess } = process.getBuiltinModule('node:child_process');
  const { EventEmitter } = process.getBuiltinModule('node:events');
  // Its own constructor makes a handle of libuv, which is kept alive until it is closed, and cannot be closed unless it has
  // started a process: no such object, nor what it refers to, would ever be collected.
  const adapter = Object.setPrototypeOf(new EventEmitter(), ChildProcess.prototype) as Fields;
  const { stdin, stdout, stderr, stdio, pid } = child;
  const fields = {
    // Nobody's process: Node's own methods look here, and all that do are replaced below.
    _handle: null,
    pid,
    spawnfile: file,
    spawnargs: [...argv],
    connected: false,
    killed: false,
    exitCode: null,
    signalCode: null,
    stdin,
    stdout,
    stderr,
    stdio: [...stdio],
    kill: (signal: SignalName | number = 'SIGTERM') => kill(child, adapter, signal),
    ref: () => void child.ref(),
    unref: () => void child.unref(),
  };
  // Defined, not assigned: in Bun some of them are accessors without a setter.
  for (const [name, value] of Object.entries(fields)) {
    Object.defineProperty(adapter, name, { value, writable: true, enumerable: true, configurable: true });
  }
  tell(child, adapter);
  return adapter as ChildProcess;
}

/** As Node does it: true when it was sent, false when there is nobody to send it to any more. */
function kill(child: Child, adapter: Fields, signal: SignalName | number): boolean {
  const number = signalNumber('signal', signal, 0);
  try {
    child.signal(number);
  } catch (error) {
    if (error instanceof ProcwardError && (error.kind === 'Gone' || error.kind === 'Closed')) return false;
    throw error;
  }
  adapter.killed = true;
  return true;
}

/** `'spawn'` before anything else, `'exit'` when it has ended, `'close'` when its streams have, too. */
async function tell(child: Child, adapter: Fields): Promise<void> {
  process.nextTick(() => adapter.emit('spawn'));
  const closed = child.stdio.map((stream) => {
    if (stream === null || stream.closed) return undefined;
    return once(stream, 'close').catch(() => undefined);
  });
  try {
    const exit = await child.wait();
    adapter.exitCode = exit.type === 'exited' ? exit.code : null;
    adapter.signalCode = exit.type === 'signaled' ? (exit.signal as NodeJS.Signals) : null;
  } catch (error) {
    // Not before whoever asked for the adapter can listen: a handle that was closed fails at once.
    process.nextTick(() => adapter.emit('error', error as Error));
    return;
  }
  child.stdin?.destroy();
  adapter.emit('exit', adapter.exitCode, adapter.signalCode);
  // What nobody reads would never end.
  for (const stream of child.stdio) if (stream !== null && 'resume' in stream && stream.readable) stream.resume();
  await Promise.all(closed);
  adapter.emit('close', adapter.exitCode, adapter.signalCode);
}
