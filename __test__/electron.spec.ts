// What Electron asks of an addon, as far as it can be asked without Electron.

import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { answer, fixture, runNode } from './fixture.ts';
import { packagePath, readSource } from './source.ts';

const sources = (directory: string, extension: string) =>
  readdirSync(packagePath(directory), { recursive: true })
    .map(String)
    .filter((name) => name.endsWith(extension))
    .map((name) => ({ name, text: readSource(`${directory}/${name}`) }));

test('in an archive it is found, and loaded from beside it', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'procward-electron-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const addon = readdirSync(packagePath()).find((name) => name.endsWith('.node')) ?? '';
  const platform = `procward-${addon.split('.')[1]}`;
  const archive = join(directory, 'app.asar');
  const inside = join(archive, 'node_modules', platform);
  const beside = join(directory, 'app.asar.unpacked', 'node_modules', platform);
  for (const path of [inside, beside]) {
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'package.json'), JSON.stringify({ name: platform, main: addon }));
  }
  writeFileSync(join(inside, addon), 'not for the system');
  copyFileSync(packagePath(addon), join(beside, addon));
  for (const entry of ['dist', 'package.json']) {
    cpSync(packagePath(entry), join(archive, 'node_modules', 'procward', entry), { recursive: true });
  }
  writeFileSync(join(archive, 'package.json'), JSON.stringify({ dependencies: { procward: '*' } }));
  const main = join(archive, 'main.mjs');
  writeFileSync(
    main,
    `import { isSupported, procfs } from 'procward';
    console.log(JSON.stringify([isSupported, procfs().readFileSync('self', 'stat', 'utf8').split(' ')[0] === String(process.pid)]));`,
  );
  t.deepEqual(answer(await runNode(['--import', fixture('behaves-like-electron.mjs'), main])), [true, true]);
});

test('what is returned is never memory of the addon', (t) => {
  // These types become buffers over the memory that they own, which Electron refuses.
  const external = /-> [^{;]*\b(?:Buffer|Uint8Array|ArrayBuffer|Vec<u8>)\b(?!Slice)/;
  for (const { name, text } of sources('crates/node/src', '.rs')) t.notRegex(text, external, name);
});

test('nothing is started through the program that runs us, and no variable of it is read', (t) => {
  for (const { name, text } of sources('src', '.ts')) t.notRegex(text, /execPath|NODE_OPTIONS|ELECTRON/, name);
});

test('the example keeps the addon out of the archive', (t) => {
  const { build } = JSON.parse(readFileSync(packagePath('examples/electron/package.json'), 'utf8')) as {
    build: { asarUnpack: string[] };
  };
  t.deepEqual(build.asarUnpack, ['**/*.node']);
});
