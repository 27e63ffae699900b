// The first use of procward in a program, tried once for each of its calls, in a program of its own each time.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { FirstUse } from './first.ts';
import { ERRNOS, type Errno } from './order.ts';
import { count, type Table, type Trial } from './trial.ts';

/** Beside this one, once both are bundled. */
const PROGRAM = fileURLToPath(new URL('first.mjs', import.meta.url));
const LIMIT_MS = 30_000;
const CALLS = 1000;

/** What is used first; first.ts knows how. */
export const FIRST_USES = [
  'features',
  'procfs().readFileSync',
  'procfs().readFile',
  'Procfs.open',
  'Process.self',
  'run',
  'Cgroup.of',
  'exec',
] as const;

/** A start of Node each. @param long Every call fails in every way, of the later ones fewer; else a fourth in one. */
export function attemptFirst(title: string, long: boolean, start: number): Trial {
  const table: Table = new Map();
  const problems: string[] = [];
  let faults = 0;
  const errnos = long ? ERRNOS.keys() : [0];
  for (const at of errnos) {
    for (let nth = 0, run = at + start; nth < CALLS; nth += long ? 1 + Math.floor(nth / 16) : 4 + Math.floor(nth / 4)) {
      const errno = ERRNOS[run % ERRNOS.length] as Errno;
      run += 1;
      const { call, reached, told, problem } = use(title, nth, errno);
      if (problem !== undefined) problems.push(`call ${nth}, ${call ?? 'none'}, ${errno}: ${problem}`);
      if (!reached || problems.length > 5) break;
      if (call === null) continue;
      faults += 1;
      count(table, call, errno, told);
    }
  }
  return { table, faults, problems };
}

function use(title: string, nth: number, errno: Errno): FirstUse {
  const words = [PROGRAM, title, String(nth), errno];
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, words, {
    timeout: LIMIT_MS,
    encoding: 'utf8',
  });
  // It became another program, in spite of a fault or because none came: nobody is left who could say which.
  if (title === 'exec' && status === 0 && stdout === '')
    return { call: null, reached: nth < EXEC_CALLS, told: 'survived' };
  if (status === 0 && stdout !== '') return JSON.parse(stdout) as FirstUse;
  return { call: null, reached: false, told: 'wrong', problem: `it ended with ${signal ?? status}: ${stderr}` };
}

/** More than it makes. */
const EXEC_CALLS = 30;
