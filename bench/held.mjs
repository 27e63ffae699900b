// How long starting a program holds the JavaScript thread, in a program of its own: the loader that the benchmarks run under
// would make it twice as large. Arguments: resident bytes, stdio, rounds. Prints milliseconds, ours and theirs, and bytes.

import * as node from 'node:child_process';
import { once } from 'node:events';
import { spawn } from 'procward';

const MB = 1024 ** 2;
/** Each way that often before the other: a fork leaves memory behind that whoever comes next has to fault in again. */
const IN_A_ROW = 10;

const [size, stdio, rounds] = process.argv.slice(2);
const ballast = [];
for (let missing = lacking(); missing > 0; missing = lacking()) {
  ballast.push(Buffer.alloc(Math.min(Math.max(missing, MB), 64 * MB), 1));
}

function lacking() {
  return Number(size) - process.memoryUsage.rss();
}

const ways = {
  async ours() {
    const started = performance.now();
    const starting = spawn('true', [], { stdio });
    const ms = performance.now() - started;
    const child = await starting;
    await child.wait();
    for (const stream of child.stdio) stream?.destroy();
    child.close();
    return ms;
  },
  async theirs() {
    const started = performance.now();
    const child = node.spawn('true', [], { stdio });
    const ms = performance.now() - started;
    await once(child, 'exit');
    return ms;
  },
};
const measured = { ours: [], theirs: [], bytes: process.memoryUsage.rss() };

async function several(name) {
  await ways[name]();
  for (let count = 0; count < IN_A_ROW; count += 1) measured[name].push(await ways[name]());
}

for (let round = 0; round < Number(rounds) / IN_A_ROW; round += 1) {
  const names = round % 2 === 0 ? ['ours', 'theirs'] : ['theirs', 'ours'];
  for (const name of names) await several(name);
}
console.log(JSON.stringify(measured));
for (const buffer of ballast) buffer.fill(0, 0, 1); // They are in use until here.
