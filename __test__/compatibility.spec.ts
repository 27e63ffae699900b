// docs/compatibility.md says of runtimes and kernels what is so.

import test from 'ava';
import { features } from 'procward';
import { readSource } from './source.ts';

const text = readSource('docs/compatibility.md');

test('every feature stands there, with the release that brought it and what is used without it', (t) => {
  const rows = new Map(
    [...text.matchAll(/^\| `(\w+)` \| (?:systemd )?([\d.]+) \| .* \| (.*) \|$/gm)].map((row) => [row[1], row]),
  );
  t.deepEqual([...rows.keys()], Object.keys(features()));
  const table = readSource('crates/kernel/src/feature.rs').replaceAll(/\\\n\s*/g, '');
  for (const [name, { since }] of Object.entries(features())) {
    const [, , documented, without = ''] = rows.get(name) ?? [];
    t.is(documented, since, name);
    t.true(table.includes(`"${without.replace(/^nothing: /, '')}"`), `${name}: ${without}`);
  }
});

test('every test that fails on a runtime stands there with its cause', (t) => {
  type Causes = Record<string, string>;
  const known = JSON.parse(readSource('__test__/runtimes/known-failures.json')) as Record<'bun' | 'deno', Causes>;
  for (const [runtime, heading] of [
    ['bun', '### Bun'],
    ['deno', '### Deno'],
  ] as const) {
    const section = text.split(heading)[1]?.split(/^#/m)[0] ?? '';
    const listed = [...section.matchAll(/^ {2}- (.*)$/gm)].map(([, title]) => title);
    t.deepEqual(listed.sort(), Object.keys(known[runtime]).sort());
    for (const cause of Object.values(known[runtime])) {
      t.true(section.toLowerCase().includes(cause.replace('sometimes: ', '').toLowerCase()), cause);
    }
  }
});

test('every kernel that can be booted stands there, and in the workflow', (t) => {
  const catalogue = readSource('scripts/kernels/catalogue.mjs');
  const kernels = [...catalogue.matchAll(/^ {2}'([\w.-]+)': /gm)].map(([, name]) => name);
  t.true(kernels.length > 5);
  const workflow = readSource('.github/workflows/kernels.yml');
  for (const kernel of kernels) {
    t.true(text.includes(`| ${kernel} |`), kernel);
    t.true(workflow.includes(`          - ${kernel}\n`), kernel);
  }
});
