// What handles take while they are held: a program for each kind, since what one has freed the next would take again. Started with a
// kind, how many, and the path of a group, it is that program, and prints it as JSON.

import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { run } from 'procward';
import type { Held } from './curve.ts';
import { type Handle, kinds } from './handles.ts';

const program = fileURLToPath(import.meta.url);

export async function held(path: string, count: number): Promise<Held[]> {
  const measured: Held[] = [];
  for (const kind of Object.keys(kinds(path))) {
    const { stdout, stderr } = await run(process.execPath, ['--import=tsx', program, kind, `${count}`, path]);
    if (stdout.length === 0) throw new Error(`no memory of ${kind} was measured: ${stderr}`);
    measured.push(JSON.parse(String(stdout)) as Held);
  }
  return measured;
}

function measure(what: string, open: () => Handle, count: number): Held {
  const kept: Handle[] = [];
  for (let at = 0; at < 100; at += 1) open().close();
  const before = holdings();
  for (let at = 0; at < count; at += 1) kept.push(open());
  const after = holdings();
  for (const handle of kept) handle.close();
  return {
    what,
    count,
    bytesEach: (after.bytes - before.bytes) / count,
    descriptorsEach: (after.descriptors - before.descriptors) / count,
  };
}

function holdings() {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return { bytes: process.memoryUsage.rss(), descriptors: readdirSync('/proc/self/fd').length };
}

const [, started, kind, count, path] = process.argv;
if (started === program && kind !== undefined && path !== undefined) {
  const open = kinds(path)[kind];
  if (open === undefined) throw new Error(`'${kind}' is no kind of handle`);
  console.log(JSON.stringify(measure(kind, open, Number(count))));
}
