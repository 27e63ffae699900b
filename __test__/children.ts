// Children of node:child_process that tests watch through procward; none outlives its test.

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import type { Readable, Writable } from 'node:stream';
import type { ExecutionContext } from 'ava';

export type Stranger = ChildProcessByStdio<Writable, Readable, null> & { readonly pid: number };

/** Starts a program by Node's own means, and kills it when the test is over. */
export async function startStranger(
  t: ExecutionContext,
  file: string,
  args: readonly string[] = [],
): Promise<Stranger> {
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child, 'spawn');
  return child as Stranger;
}

/** One that does nothing until it is ended. */
export function startSleeper(t: ExecutionContext): Promise<Stranger> {
  return startStranger(t, 'sleep', ['1000']);
}

/** Kills it, and resolves once Node has reaped it. */
export async function endStranger(stranger: Stranger): Promise<void> {
  const reaped = once(stranger, 'exit');
  stranger.kill('SIGKILL');
  await reaped;
}

/** The next line that it prints. */
export async function lineOf(output: Readable | null): Promise<string> {
  const lines = createInterface({ input: present(output) });
  const [line] = (await once(lines, 'line')) as [string];
  lines.close();
  return line;
}

/** A stream that must be there. */
export function present<T>(stream: T | null | undefined): T {
  if (stream === null || stream === undefined) throw new Error('it has no such stream');
  return stream;
}
