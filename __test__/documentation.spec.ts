// What is exported is documented, in all the parts that CONTRIBUTING.md asks for, and the pages point at what is there.

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import ts from 'typescript';
import { report } from '../bench/report.ts';
import { pages } from './snippets.ts';
import { packagePath, readSource, unionMembers } from './source.ts';
import { configured } from './type-check.ts';

const types = packagePath('index.d.ts');
const program = ts.createProgram([types], configured());
const checker = program.getTypeChecker();
const exported = exportsOf(types);

function exportsOf(path: string): ts.Symbol[] {
  const file = program.getSourceFile(path);
  const module = file && checker.getSymbolAtLocation(file);
  return module === undefined ? [] : checker.getExportsOfModule(module);
}

/** These ask nothing of the kernel, so none is too old for them. */
const ASKS_NOTHING = /^(is[A-Z]\w*|decodeWaitStatus|cloneFlags|version|ProcwardError)$/;
/** Members that cannot fail, or whose class says when they do. */
const HARMLESS = /^(constructor|close|ref|unref|__@\w+Dispose@\d+|__@dispose@\d+)$/;

const described = (symbol: ts.Symbol) => ts.displayPartsToString(symbol.getDocumentationComment(checker));
const tags = (symbol: ts.Symbol) =>
  symbol.getJsDocTags(checker).map(({ name, text }) => ({ name, text: ts.displayPartsToString(text) }));
const everything = (symbol: ts.Symbol) => [described(symbol), ...tags(symbol).map(({ text }) => text)].join('\n');
/** `{@link Procfs.open} of a global file`: what is true of that one is true of this. */
const isLike = (symbol: ts.Symbol) => /^\{@link [\w.]+\}/.test(described(symbol));
const is = (symbol: ts.Symbol, flags: ts.SymbolFlags) => (symbol.flags & flags) !== 0;
const isValue = (symbol: ts.Symbol) => is(symbol, ts.SymbolFlags.Value);
const isCallable = (symbol: ts.Symbol) => is(symbol, ts.SymbolFlags.Function | ts.SymbolFlags.Method);

/** The public members of a class, static ones too, or of an interface. */
function members(symbol: ts.Symbol): ts.Symbol[] {
  const all = [...(symbol.members?.values() ?? []), ...(symbol.exports?.values() ?? [])];
  return all.filter(({ flags, name }) => {
    const kinds = ts.SymbolFlags.Method | ts.SymbolFlags.Property | ts.SymbolFlags.Accessor;
    return (flags & kinds) !== 0 && !name.includes('#') && name !== 'prototype';
  });
}

const owned = exported
  .filter((symbol) => is(symbol, ts.SymbolFlags.Class | ts.SymbolFlags.Interface))
  .flatMap((owner) => members(owner).map((symbol) => ({ title: `${owner.name}.${symbol.name}`, symbol })));

test('every exported name, and every member of one, says what it is', (t) => {
  t.true(exported.length > 50);
  t.deepEqual(
    exported.filter((symbol) => described(symbol) === '').map(({ name }) => name),
    [],
  );
  t.deepEqual(
    owned.filter(({ symbol }) => described(symbol) === '').map(({ title }) => title),
    [],
  );
});

test('every exported value shows an example', (t) => {
  const hasExample = (symbol: ts.Symbol) =>
    tags(symbol).some(({ name, text }) => name === 'example' && text.includes('```ts'));
  t.deepEqual(
    exported.filter((symbol) => isValue(symbol) && !hasExample(symbol)).map(({ name }) => name),
    [],
  );
});

test('every exported value names its source, and the kernel it needs', (t) => {
  const values = exported.filter(isValue);
  const lacks = (pattern: RegExp) => (symbol: ts.Symbol) => !pattern.test(everything(symbol));
  t.deepEqual(
    values.filter(lacks(/\bSources?: /)).map(({ name }) => name),
    [],
  );
  const asking = values.filter(({ name }) => !ASKS_NOTHING.test(name));
  t.deepEqual(
    asking.filter(lacks(/\bKernel(?::| \d)|\bNeeds systemd \d/)).map(({ name }) => name),
    [],
  );
});

test('every function and method says how it fails', (t) => {
  const functions = exported.filter((symbol) => isCallable(symbol)).map((symbol) => ({ title: symbol.name, symbol }));
  const methods = owned.filter(({ symbol }) => isCallable(symbol) && !HARMLESS.test(symbol.name));
  const silent = [...functions, ...methods].filter(
    ({ symbol }) =>
      !isLike(symbol) &&
      !tags(symbol).some(({ name }) => name === 'throws') &&
      !/Never throws/.test(everything(symbol)),
  );
  t.deepEqual(
    silent.map(({ title }) => title),
    [],
  );
});

test('every function and method describes what it takes and what it gives', (t) => {
  const functions = exported.filter((symbol) => isCallable(symbol)).map((symbol) => ({ title: symbol.name, symbol }));
  const methods = owned.filter(({ symbol }) => isCallable(symbol) && !HARMLESS.test(symbol.name));
  const missing = [...functions, ...methods].flatMap(({ title, symbol }) => {
    if (isLike(symbol)) return [];
    const text = everything(symbol);
    const named = tags(symbol)
      .filter(({ name }) => name === 'param')
      .map((tag) => tag.text.split(/[ .]/)[0]);
    return (symbol.declarations ?? []).flatMap((declaration) => {
      if (!ts.isFunctionLike(declaration)) return [];
      const parameters = declaration.parameters.map((parameter) => parameter.name.getText());
      const undescribed = parameters.filter((name) => !named.includes(name)).map((name) => `${title}: @param ${name}`);
      const type = declaration.type?.getText() ?? 'void';
      const isEmpty = /^(void|never|this|Promise<void>)$/.test(type);
      const hasResult = isEmpty || tags(symbol).some(({ name }) => name === 'returns');
      return [
        ...undescribed,
        ...(hasResult ? [] : [`${title}: @returns ${type}`]),
        ...cancellation(declaration, title, text),
      ];
    });
  });
  t.deepEqual([...new Set(missing)], []);
});

/** Whoever takes an AbortSignal says what happens when it fires. */
function cancellation(declaration: ts.SignatureDeclaration, title: string, text: string): string[] {
  const takesSignal = declaration.parameters.some((parameter) => {
    const type = checker.getNonNullableType(checker.getTypeAtLocation(parameter));
    const signal = type.getProperty('signal');
    return signal !== undefined && checker.typeToString(checker.getTypeOfSymbol(signal)).includes('AbortSignal');
  });
  return takesSignal && !/abort/i.test(text) ? [`${title}: what an abort does`] : [];
}

test('every kind of error is explained where troubles are', (t) => {
  const page = readSource('docs/troubleshooting.md');
  const kinds = unionMembers('src/errors.ts', 'ErrorKind');
  t.true(kinds.length > 15);
  t.deepEqual(
    kinds.filter((kind) => !page.includes(`\n## ${kind}\n`)),
    [],
  );
});

test('the pages link to what is there, and the index lists every page', (t) => {
  const broken: string[] = [];
  for (const page of pages()) {
    for (const [, target = ''] of readSource(page).matchAll(/\]\((?!\w+:)([^)]+)\)/g)) {
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? page : join(dirname(page), path);
      if (!existsSync(packagePath(file))) broken.push(`${page}: ${target}`);
      else if (anchor !== undefined && !anchors(file).includes(anchor)) broken.push(`${page}: ${target}`);
    }
  }
  t.deepEqual(broken, []);
  const index = readSource('docs/README.md');
  const listed = pages().filter((page) => page.startsWith('docs/') && page !== 'docs/README.md');
  t.deepEqual(
    listed.filter((page) => !index.includes(`(${page.slice('docs/'.length)})`)),
    [],
  );
});

test('the figures of the pages are those of the benchmarks', (t) => {
  for (const [path, content] of report()) t.is(readSource(path), content, `${path}: run npx tsx bench/report.ts`);
});

/** The anchors of a page, as GitHub makes them of its headings. */
function anchors(path: string): string[] {
  const headings = readSource(path).matchAll(/^#+ (.+)$/gm);
  return [...headings].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replace(/ /g, '-'),
  );
}
