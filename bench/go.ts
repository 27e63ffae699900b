// Against what Go programs have: os/exec, and pathrs-lite of filepath-securejoin. The Go program is bench/go; each side is a program
// of its own, and they take turns.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { procfs } from 'procward';
import { type Asked, startAsked } from './asked.ts';
import { type Comparison, compare, timed } from './compare.ts';
import { coreCommand } from './core.ts';
import { startToExit } from './spawn.ts';

const SOURCE = fileURLToPath(new URL('go', import.meta.url));

export async function run(quick: boolean): Promise<Comparison[]> {
  if (spawnSync('go', ['version']).error !== undefined) {
    console.log('(no comparison with Go: there is no `go` here)');
    return [];
  }
  const directory = mkdtempSync(join(tmpdir(), 'procward-bench-go-'));
  try {
    const program = join(directory, 'peer');
    const { status } = spawnSync('go', ['build', '-o', program, '.'], { cwd: SOURCE, stdio: 'inherit' });
    if (status !== 0) throw new Error(`go build ended with ${status}`);
    await using core = await startAsked(...coreCommand('serve'));
    await using go = await startAsked(program, []);
    return await against(core, go, quick ? 21 : 61);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function against(core: Asked, go: Asked, rounds: number): Promise<Comparison[]> {
  const proc = procfs();
  const open = timed(() => proc.openSync('self', 'status').close());
  return [
    await compare('spawn to exit of `true`, against os/exec of Go', startToExit, go.way('spawn'), rounds, 10),
    await compare(
      'spawn to exit of `true` by the core, against os/exec of Go',
      core.way('spawn'),
      go.way('spawn'),
      rounds,
      10,
    ),
    await compare('open and close self/status, against pathrs-lite of Go', open, go.way('open'), rounds, 200),
    await compare(
      'open and close self/status by the core, against pathrs-lite of Go',
      core.way('open'),
      go.way('open'),
      rounds,
      200,
    ),
  ];
}
