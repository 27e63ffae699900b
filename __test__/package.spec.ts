// What is published: the addon's size, the files, the types.

import { existsSync, readdirSync, statSync } from 'node:fs';
import test from 'ava';
import * as procward from 'procward';
import * as snap from 'procward/snap';
import * as testing from 'procward/testing';
import { packagePath, readSource } from './source.ts';

interface Manifest {
  readonly files: readonly string[];
  readonly types: string;
  readonly bin: Record<string, string>;
  readonly exports: Record<string, string | Record<string, string>>;
}

const manifest = JSON.parse(readSource('package.json')) as Manifest;
const MEBIBYTE = 2 ** 20;

test('the addon is smaller than 4 MB', (t) => {
  const addons = readdirSync(packagePath()).filter((name) => name.endsWith('.node'));
  t.true(addons.length > 0);
  for (const addon of addons) t.true(statSync(packagePath(addon)).size < 4 * MEBIBYTE, addon);
});

test('everything that the manifest names is there', (t) => {
  const exported = Object.values(manifest.exports).flatMap((entry) =>
    typeof entry === 'string' ? entry : Object.values(entry),
  );
  const named = [...manifest.files, ...exported, ...Object.values(manifest.bin), manifest.types];
  for (const path of named) t.true(existsSync(packagePath(path)), path);
});

test('no addon is published with the package itself', (t) => {
  t.false(manifest.files.some((file) => file.endsWith('.node')));
  t.deepEqual(
    readdirSync(packagePath('dist'), { recursive: true }).filter((name) => String(name).endsWith('.node')),
    [],
  );
});

test('the exports resolve, and nothing else does', (t) => {
  const resolve = (specifier: string) => import.meta.resolve(specifier);
  t.true(resolve('procward').endsWith('/dist/index.js'));
  t.true(resolve('procward/snap').endsWith('/dist/snap.js'));
  t.true(resolve('procward/testing').endsWith('/dist/testing.js'));
  t.true(resolve('procward/package.json').endsWith('/package.json'));
  for (const inside of ['procward/dist/native.js', 'procward/src/index.ts', 'procward/index.d.ts']) {
    // The error may be of the loader's own realm.
    t.throws(() => resolve(inside), { any: true, code: 'ERR_PACKAGE_PATH_NOT_EXPORTED' }, inside);
  }
});

test('the command can be executed by itself', (t) => {
  for (const path of Object.values(manifest.bin)) t.true(readSource(path).startsWith('#!/usr/bin/env node\n'), path);
});

for (const [types, module] of Object.entries({ index: procward, snap, testing })) {
  test(`the types of ${types} declare every value that is exported, and no type of the addon`, (t) => {
    const text = readSource(`${types}.d.ts`);
    const declared = text.matchAll(/^export declare (?:abstract )?(?:class|const|function) (\w+)/gm);
    const names = new Set([...declared].map(([, name]) => name));
    t.deepEqual([...names].sort(), Object.keys(module).sort());
    for (const inner of ['Addon', 'Outcome', 'Failure', 'Environment', 'Record;', 'napi', '@internal']) {
      t.false(text.includes(inner), inner);
    }
    t.notRegex(text, /\bany\b(?=[;,)>\]|])/);
  });
}
