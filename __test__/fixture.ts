// Runs a fixture as a program of its own and tells how it ended.

import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Far above what any fixture needs: ends one that hangs, so that its test fails instead of the whole run. */
const LIMIT_MS = 90_000;

/** Where a fixture lies. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
}

/**
 * The words before a script that is started by something else than node:child_process, which knows its own runtime: Deno
 * by itself permits a program nothing.
 */
export const RUNTIME = [process.execPath, ...('deno' in process.versions ? ['run', '--allow-all'] : [])] as const;

/** Runs node, without the loader that the tests themselves run under. */
export function runNode(args: readonly string[], options?: RunOptions): Promise<Ended> {
  return run(process.execPath, args, options);
}

/** The same as the first process of a pid namespace, with a /proc of its own; all of it ends with the program. */
export function runNodeInPidNamespace(args: readonly string[], options?: RunOptions): Promise<Ended> {
  return run('unshare', [...PID_NAMESPACE, ...RUNTIME, ...args], options);
}

/** What unshare(1) is asked for by {@link runNodeInPidNamespace}. */
export const PID_NAMESPACE = ['--pid', '--fork', '--kill-child', '--mount-proc', '--'] as const;

interface RunOptions {
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  uid?: number;
  /** For long rounds, which are asked for. */
  timeout?: number;
}

async function run(file: string, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const child = spawn(file, args, {
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
    ...options,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<Pick<Ended, 'code' | 'signal'>>((resolve, reject) => {
    child.once('error', reject).once('close', (code, signal) => resolve({ code, signal }));
  });
  const [stdout, stderr, how] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { ...how, stdout, stderr };
}

/** Runs a fixture of node that prints one JSON value, and returns that. */
export async function answerOf(name: string, ...args: readonly string[]): Promise<unknown> {
  return answer(await runNode([fixture(name), ...args]));
}

/** What a program printed as JSON; throws with everything it said unless it ended well. */
export function answer(ended: Ended): unknown {
  if (ended.code !== 0) throw new Error(`the program ended with ${JSON.stringify(ended, null, 2)}`);
  return JSON.parse(ended.stdout);
}
