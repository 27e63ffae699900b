// Arbitrary JavaScript values for every function of the package and of its addon: `npm run fuzz:values -- --calls=1000000 --seed=7`;
// one call again, as a finding names it: `-- --seed=7 --first=4711 --calls=1`; only some: `-- --only=Cgroup#freeze`.

import { parseArgs } from 'node:util';
import { obstacle } from './jail.ts';
import { type Finding, fuzz, NoRoom } from './run.ts';

const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    first: { type: 'string', default: '0' },
    only: { type: 'string' },
  },
});
const seed = Number(values.seed);
const { only } = values;
const why = obstacle();
if (why === undefined) await run();
else console.error(`SKIPPED: ${why}`);

async function run(): Promise<void> {
  const started = performance.now();
  const orders = {
    seed,
    calls: Number(values.calls),
    first: Number(values.first),
    ...(only !== undefined && { only }),
  };
  console.log(`seed ${seed}: ${orders.calls} calls from number ${orders.first} on`);
  try {
    let shown = 0;
    const onProgress = (calls: number) => {
      if (calls - shown < 20_000) return;
      shown = calls;
      console.log(`  ${calls} calls, ${seconds(started)} s`);
    };
    const onFinding = ({ call, what, wrong, detail }: Finding) =>
      console.log(`FINDING --seed=${seed} --first=${call} --calls=1: ${what}: ${wrong}\n${detail}\n`);
    const interruption = new AbortController();
    // Also a second one, as a terminal and npm send it, is to let it clean up.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interruption.abort());
    const round = await fuzz(orders, { onProgress, onFinding, signal: interruption.signal });
    const { tally, rssBytes } = round;
    const [early, late] = rssBytes.map((bytes) => Math.round(bytes / 2 ** 20));
    console.log(`${round.calls} calls of ${round.names} functions in ${seconds(started)} s: ${JSON.stringify(tally)}`);
    console.log(`resident ${early} MiB after a tenth, ${late} MiB at the end; ${round.findings.length} findings`);
    if (round.unreached.length > 0) console.log(`never returned or resolved: ${round.unreached.join(', ')}`);
    process.exitCode = round.findings.length > 0 ? 1 : 0;
  } catch (error) {
    if (!(error instanceof NoRoom)) throw error;
    console.error(`SKIPPED: ${error.message}`);
  }
}

function seconds(since: number): string {
  return ((performance.now() - since) / 1000).toFixed(1);
}
