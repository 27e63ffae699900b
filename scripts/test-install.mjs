// Installs procward as users do, and tries what they got: packed as for a release, published to a registry on the loopback
// interface, installed by npm, pnpm and yarn into empty projects with neither compiler nor Rust in PATH; there a program of
// ours and the README's snippets are compiled (strict, with library checks), run as ESM, as CommonJS and bundled. Prints TAP.
// Everything is kept in one temporary directory, which is removed in the end, however that comes.
//
//   npm run test:install

import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { managers, TYPES } from '../__test__/install/managers.mjs';
import { inFunction, programs } from '../__test__/install/programs.mjs';
import { startRegistry } from '../__test__/install/registry.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { resolve } = createRequire(import.meta.url);
const TSC = resolve('typescript/bin/tsc');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const LIMIT_MS = 120_000;
/** What the programs start, and what package managers need. No compiler is among them. */
const COMMANDS = ['sh', 'env', 'echo', 'cat', 'ls', 'sleep', 'true', 'uname', 'sed', 'dirname', 'basename', 'mkdir', 'rm', 'wc'];
const COMPILERS = ['cargo', 'rustc', 'gcc', 'cc', 'clang', 'make', 'python3'];

const scratch = mkdtempSync(join(tmpdir(), 'procward-install-'));
const groups = scratch.slice(scratch.lastIndexOf('/') + 1);
const running = new Set();
let registry;
process.on('exit', () => {
  registry?.stop();
  for (const child of running) endGroup(child);
  removeControlGroups();
  rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));
process.on('uncaughtException', (error) => {
  console.log(`not ok ${(count += 1)} - ${error.stack}`);
  process.exit(1);
});

let count = 0;
let failed = 0;
const started = performance.now();
const note = (what) => console.log(`# ${what}: ${((performance.now() - started) / 1000).toFixed(1)} s`);

// --- What is installed, and from where --------------------------------------------------------------------------------

const tools = join(scratch, 'tools');
const tarballs = join(scratch, 'tarballs');
cpSync(join(root, '__test__/install'), tools, { recursive: true });
cpSync(join(root, '.npmrc'), join(tools, '.npmrc'));
const npm = [process.execPath, npmItself()];
const upstream = (await must([...npm, 'config', 'get', 'registry'], { env: process.env, cwd: root })).trim().split('\n').at(-1);
await Promise.all([
  must([...npm, 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'], { env: process.env, cwd: tools }),
  must([process.execPath, join(root, 'scripts/pack-release.mjs'), '--out', tarballs, '--stand-ins'], { env: process.env, cwd: root }),
]);
note('packed, and the tools fetched');
registry = await startRegistry(tools, join(scratch, 'registry'), upstream);

const bin = commandsWithoutCompilers();
const home = join(scratch, 'home');
mkdirSync(home);
const bare = { PATH: bin, HOME: home, TMPDIR: scratch, LANG: 'C.UTF-8', CI: 'true', NO_COLOR: '1' };
for (const compiler of COMPILERS) {
  const { stdout } = spawnSync('sh', ['-c', `command -v ${compiler}`], { env: bare, encoding: 'utf8' });
  check(`${compiler} is not to be found`, stdout === '', stdout);
}

const known = managers({ tools, npm, cache: join(scratch, 'cache'), url: registry.url });
// Anybody may publish, but npm does not ask without a token.
writeFileSync(join(home, '.npmrc'), `${registry.url.slice('http:'.length)}:_authToken=nobody\n`);
const [{ env: npmEnv }] = known;
const packed = readdirSync(tarballs).filter((name) => name.endsWith('.tgz')).map((name) => join(tarballs, name));
await Promise.all(packed.map((path) => must([...npm, 'publish', path, '--loglevel=error'], { env: { ...bare, ...npmEnv }, cwd: home })));
note('published');

// --- What users do ----------------------------------------------------------------------------------------------------

const all = programs(readFileSync(join(root, 'README.md'), 'utf8'), groups);
const platform = process.report.getReport().header.glibcVersionRuntime === undefined ? 'musl' : 'gnu';
const own = `procward-linux-${process.arch}-${platform}`;
let canMakeGroups = false;

const [first, ...others] = known;
await tryOut(first);
// There are two processors on the smallest machine that this is run on.
const left = [...others.map((manager) => () => tryOut(manager)), leaveOutOptional];
const work = async () => {
  for (let next = left.shift(); next !== undefined; next = left.shift()) await next();
};
await Promise.all([work(), work()]);
note('all');
console.log(`1..${count}`);
process.exitCode = failed > 0 ? 1 : 0;
process.exit();

/** Installs into an empty project, and runs everything there in every form. */
async function tryOut({ name, add, run, env, compiles }) {
  const project = emptyProject(name);
  const options = { env: { ...bare, ...env }, cwd: project };
  // Compiled JavaScript of the first one does for one whose files no compiler finds.
  const packages = compiles ? ['procward', TYPES] : ['procward'];
  const installed = await start([...add, ...packages], options);
  check(`${name}: installs`, installed.code === 0, installed.output);
  const addons = readdirSync(project, { recursive: true }).filter((path) => path.endsWith('.node'));
  if (addons.length > 0) check(`${name}: installs the addon of this platform only`, addons.every((path) => path.includes(own)), addons.join(', '));

  for (const program of all) {
    writeFileSync(join(project, `${program.name}.mts`), program.text);
    writeFileSync(join(project, `${program.name}.cts`), inFunction(program.text));
  }
  if (compiles) {
    const compiled = await start([process.execPath, TSC, '-p', project], { ...options, env: { ...options.env } });
    check(`${name}: TypeScript, strict and with library checks`, compiled.code === 0, compiled.output);
  } else {
    for (const file of readdirSync(join(scratch, 'npm')).filter((path) => /^[^.]+\.[cm]js$/.test(path))) {
      cpSync(join(scratch, 'npm', file), join(project, file));
    }
  }
  for (const program of all) {
    const forms = [['ESM', `${program.name}.mjs`], ['CommonJS', `${program.name}.cjs`]];
    if (compiles) {
      for (const [format, source] of [['esm', 'mjs'], ['cjs', 'cjs']]) {
        const file = `bundled/${program.name}.${source}`;
        await bundle(project, `${program.name}.${source}`, format, file);
        forms.push([`bundled as ${format}`, file]);
      }
    }
    for (const [form, file] of forms) {
      const title = `${name}: ${program.name}, ${form}`;
      if (program.needsGroups && !canMakeGroups) {
        console.log(`ok ${(count += 1)} - ${title} # SKIP no control group can be made here`);
        continue;
      }
      const { code, output } = await start([...run, file], options);
      check(title, code === 0, output);
      if (program.name === 'ours') {
        const said = lastJson(output);
        check(`${title}: the version`, said.version === version, output);
        canMakeGroups = said.groups === 'yes';
      }
    }
  }
  note(name);
}

/** Without optional dependencies it is imported, says what is missing, and the command that it gives repairs it. */
async function leaveOutOptional() {
  const [{ name, add, env }] = known;
  const project = emptyProject(`${name} without optional dependencies`);
  const options = { env: { ...bare, ...env }, cwd: project };
  await must([...add, '--omit=optional', 'procward'], options);
  const program = `import { isSupported, features } from 'procward';
    try { features(); console.log(JSON.stringify({ isSupported })) } catch ({ code, message, hint }) { console.log(JSON.stringify({ isSupported, code, message, hint })) }`;
  writeFileSync(join(project, 'asks.mjs'), program);
  const ask = async (...args) => lastJson((await start([process.execPath, ...args, 'asks.mjs'], options)).output);
  const broken = await ask();
  const names = broken.isSupported === false && broken.code === 'ERR_PROCWARD_UNSUPPORTED' && broken.message.includes(own);
  check(`${name}: what was left out is named`, names, JSON.stringify(broken));
  const darwin = await ask('--import', 'data:text/javascript,Object.defineProperty(process,"platform",{value:"darwin"})');
  check(`${name}: on another platform it is imported, and says so`, darwin.isSupported === false && /this is darwin/.test(darwin.message), JSON.stringify(darwin));
  const [, command = ''] = /`npm ([^`]+)`/.exec(broken.hint ?? '') ?? [];
  const repaired = await start([...npm, ...command.split(' ')], options);
  check(`${name}: the command that the error gives repairs it`, repaired.code === 0 && (await ask()).isSupported === true, repaired.output);
}

function emptyProject(name) {
  const project = join(scratch, name.replaceAll(' ', '-'));
  mkdirSync(join(project, 'bundled'), { recursive: true });
  // The README's snippet runs `npm test`.
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'empty', version: '1.0.0', private: true, scripts: { test: 'sleep 1000' } }));
  writeFileSync(join(project, 'yarn.lock'), '');
  const compilerOptions = { strict: true, skipLibCheck: false, module: 'nodenext', target: 'es2022', types: ['node'] };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.mts', '*.cts'] }));
  return project;
}

async function bundle(project, entry, format, outfile) {
  const esbuild = await import('esbuild');
  await esbuild.build({
    absWorkingDir: project,
    entryPoints: [entry],
    outfile,
    format,
    bundle: true,
    platform: 'node',
    external: ['*.node'],
    logLevel: 'silent',
  });
}

// --- Running ----------------------------------------------------------------------------------------------------------

/** Its status and all that it printed; ended after a while. */
async function start([file, ...args], { env, cwd }) {
  const child = spawn(file, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  running.add(child);
  const timer = setTimeout(() => endGroup(child), LIMIT_MS);
  const ended = new Promise((done, fail) => child.once('error', fail).once('close', (code, signal) => done(signal ?? code)));
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  clearTimeout(timer);
  running.delete(child);
  return { code, output: stderr + stdout };
}

async function must(command, options) {
  const { code, output } = await start(command, options);
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}:\n${output}`);
  return output;
}

function check(title, holds, output = '') {
  count += 1;
  if (!holds) failed += 1;
  console.log(`${holds ? 'ok' : 'not ok'} ${count} - ${title}`);
  if (!holds) console.log(output.slice(-4000).replaceAll(/^/gm, '    '));
}

/** Nothing, where a program ended otherwise than by printing it. */
function lastJson(output) {
  const line = output.trim().split('\n').at(-1) ?? '';
  return line.startsWith('{') ? JSON.parse(line) : {};
}

function endGroup(child) {
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

/** npm as a program of node: its own command finds things by PATH. */
function npmItself() {
  const { npm_execpath: path } = process.env;
  if (path?.endsWith('npm-cli.js')) return path;
  return realpathSync(spawnSync('sh', ['-c', 'command -v npm'], { encoding: 'utf8' }).stdout.trim());
}

function commandsWithoutCompilers() {
  const directory = join(scratch, 'bin');
  mkdirSync(directory);
  for (const command of COMMANDS) {
    const path = spawnSync('sh', ['-c', `type ${command}`], { encoding: 'utf8' }).stdout.split(' ').at(-1)?.trim() ?? '';
    const file = path.startsWith('/') ? path : `/bin/${command}`;
    symlinkSync(file, join(directory, command));
  }
  symlinkSync(process.execPath, join(directory, 'node'));
  writeFileSync(join(directory, 'npm'), `#!/bin/sh\nexec '${npm.join("' '")}' "$@"\n`);
  chmodSync(join(directory, 'npm'), 0o755);
  return directory;
}

/** A snippet that failed half-way leaves its groups. */
function removeControlGroups() {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n').map((line) => line.split(' '));
  for (const [, mountPoint = '', type] of mounts) {
    if (type !== 'cgroup2') continue;
    for (const name of readdirSync(mountPoint).filter((entry) => entry.startsWith(groups))) {
      const group = join(mountPoint, name);
      try {
        writeFileSync(join(group, 'cgroup.kill'), '1');
      } catch {
        // An older kernel; then it has to be empty.
      }
      for (let patience = 0; patience < 100; patience += 1) {
        try {
          rmdirSync(group);
          break;
        } catch {
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
        }
      }
    }
  }
}
