// Reading a file of /proc safely, against Node's reading whatever is mounted there.

import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { procfs } from 'procward';
import { type Comparison, compare, timed, timedInTurn } from './compare.ts';

export async function run(quick: boolean): Promise<Comparison[]> {
  const rounds = quick ? 11 : 41;
  const proc = procfs();
  return [
    await compare(
      'readFileSync self/status, against fs.readFileSync',
      timed(() => proc.readFileSync('self', 'status')),
      timed(() => readFileSync('/proc/self/status')),
      rounds,
      500,
    ),
    await compare(
      'readFile self/status, against fs.promises.readFile',
      timedInTurn(() => proc.readFile('self', 'status')),
      timedInTurn(() => readFile('/proc/self/status')),
      rounds,
      100,
    ),
  ];
}
