// The benchmarks of the Rust core, which are a program of their own: bench/core.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Comparison } from './compare.ts';

const manifest = fileURLToPath(new URL('core/Cargo.toml', import.meta.url));

/** The command line of that program, which cargo becomes. */
export function coreCommand(...args: readonly string[]): [command: string, args: string[]] {
  return ['cargo', ['run', '--quiet', '--release', '--locked', '--manifest-path', manifest, '--', ...args]];
}

/** What it measures under that name. */
export function measureCore(name: 'open' | 'spawn' | 'freeze', quick: boolean): Comparison[] {
  const [command, args] = coreCommand(name, ...(quick ? ['--quick'] : []));
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}`);
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Comparison);
}

export async function run(quick: boolean): Promise<Comparison[]> {
  return measureCore('open', quick);
}
