// Listing 2,000 processes, against ps-list and systeminformation: the call, and a whole program that prints them.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { run as runProgram } from 'procward';
import psList from 'ps-list';
import { processes } from 'systeminformation';
import { listProcesses } from '../src/cli/processes.ts';
import { type Comparison, compare, timedInTurn, type Way } from './compare.ts';

const PROCESSES = 2000;
/** Those of node itself, too: a limit that the kernel keeps. */
const DESCRIPTORS = 32n;

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const OURS = [path('../dist/cli/main.js'), 'ps', '--json'];
const THEIRS = [
  '--input-type=module',
  '--eval',
  "import psList from 'ps-list'; process.stdout.write(JSON.stringify(await psList(), null, 2))",
];

export async function run(quick: boolean): Promise<Comparison[]> {
  const end = await startMany(PROCESSES);
  try {
    const rounds = quick ? 5 : 15;
    return [
      await compare(
        `list ${PROCESSES} processes, against ps-list`,
        timedInTurn(listProcesses),
        timedInTurn(psList),
        rounds,
        1,
      ),
      await compare(
        `list ${PROCESSES} processes, against systeminformation`,
        timedInTurn(listProcesses),
        afresh,
        rounds,
        1,
      ),
      await compare(
        `procward ps --json of ${PROCESSES} with ${DESCRIPTORS} descriptors, against a program with ps-list`,
        timedInTurn(() => print(OURS, { nofile: { soft: DESCRIPTORS, hard: DESCRIPTORS } })),
        timedInTurn(() => print(THEIRS, {})),
        rounds,
        1,
      ),
    ];
  } finally {
    await end();
  }
}

/** Within half a second systeminformation answers as it did before, without a look. */
const STALE_MS = 600;

const afresh: Way = async (count) => {
  await delay(STALE_MS);
  return timedInTurn(processes)(count);
};

/** A program of its own, which must print them all. */
async function print(args: readonly string[], resourceLimits: { nofile?: { soft: bigint; hard: bigint } }) {
  const { exit, stdout, stderr } = await runProgram(process.execPath, args, { cwd: path('..'), resourceLimits });
  const isWhole = exit.type === 'exited' && exit.code === 0 && JSON.parse(String(stdout)).length >= PROCESSES;
  if (!isWhole) throw new Error(`node ${args.join(' ')}: ${JSON.stringify(exit)} ${stderr}`);
}

/** Starts so many that wait; they end together. */
async function startMany(count: number): Promise<() => Promise<void>> {
  const parent = spawn('sh', [path('../__test__/fixtures/starts-many.sh'), String(count)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(parent, 'exit');
  let started = 0;
  for await (const chunk of parent.stdout) {
    started += String(chunk).split('\n').length - 1;
    if (started >= count) break;
  }
  return async () => {
    parent.stdin.end();
    await ended;
  };
}
