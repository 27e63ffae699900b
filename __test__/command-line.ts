// Runs the built command line as users do: as a program of its own, with what it is sent and what it answers.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import type { ExecutionContext } from 'ava';
import { type Ended, RUNTIME, runNode } from './fixture.ts';
import { packagePath } from './source.ts';

const MAIN = packagePath('dist/cli/main.js');

/** The words that start it by something else than node:child_process. */
export const WORDS = [...RUNTIME, MAIN] as const;

/** The same for a shell. */
export const QUOTED = WORDS.map((word) => `'${word}'`).join(' ');

/** Neither asked for colours nor against them. */
function plainEnvironment(): NodeJS.ProcessEnv {
  const { NO_COLOR: _no, FORCE_COLOR: _force, ...env } = process.env;
  return env;
}

/** Runs a command to its end. */
export function procward(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  return runNode([MAIN, ...args], { env: { ...plainEnvironment(), ...env } });
}

/** What a command prints with --json, if it ends well. */
export async function procwardJson<T>(...args: readonly string[]): Promise<T> {
  const ended = await procward([...args, '--json']);
  if (ended.code !== 0) throw new Error(`procward ${args.join(' ')} ended with ${JSON.stringify(ended, null, 2)}`);
  return JSON.parse(ended.stdout) as T;
}

/** A command that goes on until it is told to end. */
export interface Running {
  readonly pid: number;
  /** Sends it a signal, as somebody else would: the ChildProcess of Deno sends one only, and tells that as the end. */
  signal(name: NodeJS.Signals): void;
  /** The next line that it prints. */
  line(): Promise<string>;
  /** How it ended, with what else it printed. */
  end(): Promise<Ended>;
}

/** Starts a command; what still runs when the test is over is ended. */
export function start(t: ExecutionContext, args: readonly string[]): Running {
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: plainEnvironment(),
  });
  t.teardown(() => child.kill('SIGKILL'));
  const stderr = text(child.stderr);
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const { pid } = child;
  if (pid === undefined) throw new Error('it was not started');
  return {
    pid,
    signal: (name) => {
      process.kill(pid, name);
    },
    line: async () => {
      const { done, value } = await lines.next();
      if (done) throw new Error(`it printed no more lines, and on standard error: ${await stderr}`);
      return value;
    },
    end: async () => {
      let stdout = '';
      for (let next = await lines.next(); !next.done; next = await lines.next()) stdout += `${next.value}\n`;
      const [code, signal] = await closed;
      return { code, signal, stdout, stderr: await stderr };
    },
  };
}

/** What runs with this word among its arguments, by pid. */
export async function running(word: string): Promise<number[]> {
  const rows = await procwardJson<{ pid: number; state: string; args: string[] }[]>('ps', '--no-kernel');
  return rows.filter(({ args, state }) => args.includes(word) && state !== 'Z').map(({ pid }) => pid);
}
