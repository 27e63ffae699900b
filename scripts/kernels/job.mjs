// What a guest has to do: the programs that cargo made of the core's tests, and the facade's tests by ava.

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** For one part; emulated, everything takes ten times as long. */
const PATIENCE_S = 900;
/** What is repeated is repeated less where it is slow (see CONTRIBUTING.md), unless the environment says otherwise. */
const SLOW = { PROCWARD_ROUNDS: '1', PROCWARD_FAULTS: '0', PROCWARD_SPAWNS: '100' };

/**
 * The parts that `words` choose, of all: `core`, `facade`, `core:procfs` (a crate), `core:procfs/race` (a file of it),
 * `facade:spawn` (a file).
 */
export function partsOf(words) {
  const all = [...coreParts(), ...facadeParts()];
  if (words.length === 0) return all;
  const unknown = words.filter((word) => !all.some((part) => belongs(part, word)));
  if (unknown.length > 0) throw new Error(`there are no tests called ${unknown.join(', ')}`);
  return all.filter((part) => words.some((word) => belongs(part, word)));
}

function belongs({ title }, word) {
  return title === word || title.startsWith(`${word}:`) || title.startsWith(`${word}/`);
}

/** A part for each program, which it compiles where that is out of date. */
function coreParts() {
  const args = ['test', '--workspace', '--locked', '--no-run', '--message-format=json', '--quiet'];
  const { status, stdout } = spawnSync('cargo', args, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 28, stdio: ['ignore', 'pipe', 'inherit'] });
  if (status !== 0) throw new Error('the tests of the core do not compile');
  const messages = stdout.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  const programs = messages.filter(({ executable, profile }) => executable && profile.test);
  const parts = programs.map(({ executable, target, manifest_path }) => {
    const crate = dirname(manifest_path);
    const file = target.kind.includes('test') ? target.name : target.kind.includes('bin') ? `bin-${target.name}` : 'unit';
    return { title: `core:${basename(crate)}/${file}`, cwd: crate, command: [executable] };
  });
  return parts.sort((a, b) => a.title.localeCompare(b.title));
}

function facadeParts() {
  const ava = join(root, 'node_modules/ava/entrypoints/cli.mjs');
  const files = readdirSync(join(root, '__test__')).filter((name) => name.endsWith('.spec.ts'));
  return files.sort().map((file) => ({
    title: `facade:${basename(file, '.spec.ts')}`,
    cwd: root,
    command: [process.execPath, ava, '--tap', '--timeout=10m', `__test__/${file}`],
  }));
}

/** The shell script of the guest. Each part says when it begins, how it ended, and how many seconds it took. */
export function jobOf(parts, expect, isSlow) {
  const kept = Object.entries(process.env).filter(([name]) => name.startsWith('PROCWARD_') && name !== 'PROCWARD_KERNELS');
  const plain = { PATH: process.env.PATH, HOME: '/root', LANG: 'C.UTF-8', NO_COLOR: '1', TERM: 'dumb', EXPECT: expect };
  const environment = { ...plain, ...(isSlow ? SLOW : {}), ...Object.fromEntries(kept) };
  const lines = Object.entries(environment).map(([name, value]) => `export ${name}=${quoted(value)}`);
  // The kernel's own limit of descriptors is lower than what systemd gives its services.
  lines.push('exec < /dev/null 2>&1', 'ulimit -c 0', 'ulimit -n 65536', 'echo "::: on $(uname -r)"');
  for (const { title, cwd, command } of parts) {
    lines.push(`echo "::: begin ${title}"`, `cd ${quoted(cwd)}`, 'start=$(cut -d. -f1 /proc/uptime)');
    lines.push(`setsid -w timeout -k 10 ${PATIENCE_S} ${command.map(quoted).join(' ')}`);
    lines.push('echo "::: end $? $(($(cut -d. -f1 /proc/uptime) - start))"');
  }
  return `${lines.join('\n')}\necho "::: over"\n`;
}

function quoted(word) {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
