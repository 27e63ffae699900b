// Runs the tests on other kernels than the one that runs this, each with control groups mounted in each way, and prints TAP
// and a table. The kernels are packages of Debian, fetched into a cache and booted as user-mode Linux or by QEMU; the tests
// run there as root, on this machine's own tree, to which nothing is written.
//
//   npm run test:kernels                        everything on every kernel, which takes hours where QEMU has to emulate
//   npm run test:kernels -- --list              the kernels, and what is known of them
//   npm run test:kernels -- --short             a choice of the tests, which takes minutes there
//   npm run test:kernels -- uml-6.1 v2 v1       on this kernel, with version 2 and with version 1
//   npm run test:kernels -- qemu-5.10 core:cgroup facade:freeze1 facade:spawn
//   PROCWARD_KERNELS=DIR npm run …              keeps the kernels there instead of in the user's cache

import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ALWAYS, KERNELS, MODES, SHORT } from './kernels/catalogue.mjs';
import { readConsole, resultOf } from './kernels/console.mjs';
import { makeInitramfs } from './kernels/initramfs.mjs';
import { jobOf, partsOf } from './kernels/job.mjs';
import { accelerator, startMachine } from './kernels/machine.mjs';
import { cache, unpacked } from './kernels/packages.mjs';

/** For one guest. What hangs in it is ended there long before, unless its kernel hangs. */
const LIMIT_MS = 180 * 60_000;

const words = process.argv.slice(2);
const chosen = (names) => {
  const named = names.filter((name) => words.includes(name));
  return named.length > 0 ? named : names;
};
const known = [...Object.keys(KERNELS), ...Object.keys(MODES), '--list', '--short'];
if (words.includes('--list')) {
  for (const [name, { kind, suite }] of Object.entries(KERNELS)) {
    console.log(`${name.padEnd(16)} ${kind === 'uml' ? 'user-mode Linux' : `QEMU (${accelerator})`} of Debian ${suite}${existsSync(join(cache, name)) ? ', fetched' : ''}`);
  }
  process.exit();
}

const running = new Set();
process.on('exit', () => running.forEach(endGroup));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));

const wanted = words.filter((word) => !known.includes(word));
const parts = partsOf(wanted.length === 0 && words.includes('--short') ? SHORT : wanted);
const tools = unpacked('tools', 'trixie', () => ['qemu-system-x86', 'virtiofsd', 'busybox-static'], true);
const rows = [];
const totals = { passed: 0, failed: 0, skipped: 0 };
for (const name of chosen(Object.keys(KERNELS))) {
  const { suite, packages } = KERNELS[name];
  const kernel = unpacked(name, suite, packages);
  for (const mode of chosen(Object.keys(MODES))) await runCell(name, kernel, mode);
}
console.log(`\n| kernel | release | groups | core: passed, failed, skipped | facade: passed, failed, skipped | minutes |\n|---|---|---|---|---|---|\n${rows.join('\n')}`);
console.log(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exitCode = totals.failed > 0 || totals.passed === 0 ? 1 : 0;

async function runCell(name, kernel, mode) {
  const scratch = mkdtempSync(join(tmpdir(), 'procward-kernel-'));
  mkdirSync(join(cache, 'logs'), { recursive: true });
  const log = join(cache, 'logs', `${name}-${mode}.log`);
  const file = openSync(log, 'w');
  const started = performance.now();
  try {
    const { kind } = KERNELS[name];
    const expect = process.env.EXPECT ?? [...ALWAYS, ...MODES[mode]].join(',');
    const initramfs = makeInitramfs({ scratch, busybox: join(tools, 'usr/bin/busybox'), kernel, job: jobOf(parts, expect, kind === 'uml' || accelerator === 'tcg') });
    const machine = await startMachine({ kind, kernel, tools, mode, initramfs, scratch, onHelper: (child) => running.add(child) });
    running.add(machine);
    const timer = setTimeout(() => endGroup(machine), LIMIT_MS);
    const console = await readConsole(machine.stdout, (line) => writeSync(file, `${line}\n`));
    clearTimeout(timer);
    report({ cell: `${name} ${mode}`, name, mode, console, log, minutes: (performance.now() - started) / 60_000 });
  } finally {
    running.forEach(endGroup);
    running.clear();
    rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
    closeSync(file);
  }
}

function report({ cell, name, mode, console: told, log, minutes }) {
  const counts = { core: [0, 0, 0], facade: [0, 0, 0] };
  for (const part of told.parts) {
    const { passed, failed, skipped } = resultOf(part);
    const [half] = part.title.split(':');
    [passed, failed.length, skipped.length].forEach((count, index) => (counts[half][index] += count));
    totals.passed += passed;
    totals.skipped += skipped.length;
    console.log(`# ${cell}: ${part.title}: ${passed} passed, ${failed.length} failed, ${skipped.length} skipped, ${part.seconds} s`);
    for (const { title, lines } of failed) fail(`${cell}: ${part.title}: ${title}`, lines);
  }
  if (!told.isOver) fail(`${cell}: the guest ended before it was done`, readFileSync(log, 'utf8').split('\n').slice(-30));
  const [core, facade] = Object.values(counts).map((numbers) => (numbers.some(Boolean) ? numbers.join(', ') : '-'));
  rows.push(`| ${name} | ${told.release} | ${mode} | ${core} | ${facade} | ${minutes.toFixed(1)} |`);
}

function fail(title, lines) {
  totals.failed += 1;
  console.log(`not ok ${totals.failed} - ${title}\n${lines.map((line) => `    ${line}`).join('\n')}`);
}

function endGroup(child) {
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
