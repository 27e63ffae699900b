// A peer that is a program of its own and does what it is asked on its input: `NAME COUNT`, answered with nanoseconds.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import type { Way } from './compare.ts';

export interface Asked extends AsyncDisposable {
  /** That operation, as a side of a comparison. */
  way(name: string): Way;
}

export async function startAsked(command: string, args: readonly string[], cwd?: string): Promise<Asked> {
  const program = spawn(command, args, { cwd, stdio: ['pipe', 'pipe', 'inherit'] });
  const exit = once(program, 'exit');
  await once(program, 'spawn');
  const answers = createInterface({ input: program.stdout })[Symbol.asyncIterator]();
  const ask = async (order: string) => {
    program.stdin.write(`${order}\n`);
    const { value, done } = await answers.next();
    if (done) throw new Error(`${command} ended instead of doing '${order}': ${await exit}`);
    return Number(value) / 1e6;
  };
  return {
    way: (name) => (count) => ask(`${name} ${count}`),
    async [Symbol.asyncDispose]() {
      program.stdin.end();
      await exit;
    },
  };
}
