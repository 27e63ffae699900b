// The fault table of all that procward offers: every call of every operation fails, one after the other. Run by
// `npm run test:faults`, below the program `faults` of the testkit; prints TAP.

import { fileURLToPath } from 'node:url';
import * as procward from 'procward';
import * as snap from 'procward/snap';
import { attemptFirst, FIRST_USES } from './fresh.ts';
import { titleOf } from './operation.ts';
import { endAll, leftovers, ofGroups, ofLimits, places } from './operations/groups.ts';
import { ofHost, ofNobody, ofSnaps } from './operations/host.ts';
import { ofProcess } from './operations/process.ts';
import { ofProcfs } from './operations/procfs.ts';
import { ofSpawn } from './operations/spawn.ts';
import { isSupervised } from './order.ts';
import { surface } from './surface.ts';
import { attempt, type Table, type Trial } from './trial.ts';

/** Where the package is, seen from target/faults, which this is bundled into. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const long = process.env['PROCWARD_FAULTS'] === '1';
const wanted = process.argv.slice(2);

const say = (line: string) => process.stdout.write(`${line}\n`);
let tests = 0;
let failures = 0;

function report(title: string, problems: readonly string[]): void {
  tests += 1;
  if (problems.length > 0) failures += 1;
  say(`${problems.length > 0 ? 'not ok' : 'ok'} ${tests} - ${title}`);
  for (const problem of problems) say(`    ${problem.replaceAll('\n', '\n    ')}`);
}

async function tryOut(title: string, attempt: () => Trial | Promise<Trial>): Promise<number> {
  let trial: Trial;
  const start = performance.now();
  try {
    trial = await attempt();
  } catch (error) {
    report(title, [error instanceof Error ? (error.stack ?? error.message) : String(error)]);
    return 0;
  }
  report(`${title}: ${inShort(trial)}; ${Math.round(performance.now() - start)} ms`, trial.problems);
  if (long) for (const line of inFull(trial.table)) say(`#   ${line}`);
  return trial.faults;
}

/** How often each answer was given. */
function inShort({ faults, table }: Trial): string {
  if (faults === 0) return 'makes no calls';
  const answers = new Map<string, number>();
  for (const errnos of table.values()) {
    for (const kinds of errnos.values()) for (const [kind, n] of kinds) answers.set(kind, (answers.get(kind) ?? 0) + n);
  }
  return `${faults} faults of ${table.size} calls: ${list(answers)}`;
}

function* inFull(table: Table): Generator<string> {
  for (const [call, errnos] of table) {
    yield `${call}: ${[...errnos].map(([errno, kinds]) => `${errno} ${list(kinds)}`).join('; ')}`;
  }
}

const list = (kinds: Map<string, number>) => [...kinds].map(([kind, n]) => `${kind} ${n}`).join(', ');

if (!isSupervised) throw new Error('nobody takes orders: run it by `npm run test:faults`');
const inPlaces = places().flatMap(ofGroups);
if (inPlaces.length === 0) say('SKIPPED groups: none can be made');
const all = [
  ...ofProcfs,
  ...ofProcess,
  ...ofSpawn,
  ...inPlaces,
  ...(inPlaces.length > 0 ? ofLimits() : []),
  ...ofHost,
  ...ofSnaps,
  ...ofNobody,
];
const isWanted = (title: string) => wanted.length === 0 || wanted.some((word) => title.includes(word));
const chosen = all.filter((operation) => isWanted(titleOf(operation)));

say('TAP version 13');
let faults = 0;
for (const [start, operation] of chosen.entries()) {
  faults += await tryOut(titleOf(operation), () => attempt(operation, long, start));
}
for (const [start, title] of FIRST_USES.entries()) {
  const inFull = `${title}, used first`;
  if (isWanted(inFull)) faults += await tryOut(inFull, () => attemptFirst(title, long, start));
}

if (wanted.length === 0) {
  const covered = new Set<string>([...all.flatMap(({ covers }) => covers), ...FIRST_USES]);
  const missing = [...surface(ROOT, [procward, snap])].filter((name) => !covered.has(name));
  report(
    'every public operation has a row',
    inPlaces.length > 0 ? missing : missing.filter((name) => !/^Cgroup|^Freeze|^freezeAll/.test(name)),
  );
  report('the faults were made', faults > 500 ? [] : [`only ${faults}`]);
}
await endAll();
report('no group is left', leftovers());
say(`1..${tests}`);
say(`# ${faults} faults`);
process.exitCode = failures === 0 ? 0 : 1;
