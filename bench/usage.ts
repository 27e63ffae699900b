// Processor time and memory of processes whose pids are known, against pidusage. Both read /proc/<pid>/stat, and nothing else, for each.

import pidusage from 'pidusage';
import { Process, spawn } from 'procward';
import { type Comparison, compare, timedInTurn } from './compare.ts';

const PROCESSES = 200;

export async function run(quick: boolean): Promise<Comparison[]> {
  const start = () => spawn('sleep', ['1000'], { stdio: 'ignore' });
  const children = await Promise.all(Array.from({ length: PROCESSES }, start));
  const pids = children.map(({ pid }) => pid);
  const own = Process.self();
  try {
    const rounds = quick ? 11 : 41;
    return [
      await compare(
        'usage of one process, against pidusage',
        timedInTurn(() => usage(own)),
        timedInTurn(() => pidusage(process.pid)),
        rounds,
        100,
      ),
      await compare(
        `usage of ${PROCESSES} processes, against pidusage`,
        timedInTurn(() => Promise.all(children.map(usage))),
        timedInTurn(() => pidusage(pids)),
        rounds,
        2,
      ),
    ];
  } finally {
    own.close();
    for (const child of children) await child[Symbol.asyncDispose]();
    pidusage.clear();
  }
}

/** What pidusage reads, of this very process: fields 14, 15 and 24 of proc_pid_stat(5). */
async function usage(handle: Process) {
  const stat = await handle.readFile('stat', 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { ticks: Number(fields[11]) + Number(fields[12]), residentPages: Number(fields[21]) };
}
