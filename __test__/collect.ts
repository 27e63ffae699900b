// Runs a program to its end and collects what it printed.

import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { type Child, type Exit, type SpawnOptions, spawn } from 'procward';

export interface Collected {
  readonly exit: Exit;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs it without input; its streams are pipes unless `options` say something else. */
export async function collect(
  file: string,
  args: readonly string[] = [],
  options: SpawnOptions = {},
): Promise<Collected> {
  return collectFrom(await spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options }));
}

/** Reads all that a child prints, and waits for its end. */
export async function collectFrom(child: Child): Promise<Collected> {
  const [exit, stdout, stderr] = await Promise.all([child.wait(), textOf(child.stdout), textOf(child.stderr)]);
  child.close();
  return { exit, stdout, stderr };
}

async function textOf(stream: Readable | null): Promise<string> {
  return stream === null ? '' : text(stream);
}
