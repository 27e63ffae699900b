// What the package offers, as its declarations and its modules say: everything that can be called.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Interfaces whose objects do something. */
const ACTING: readonly string[] = ['FreezeLease', 'TransientScope'];

/** Every function, `Class.member` and `Class.[Symbol.name]` of the declarations in `root`, and every function of these modules. */
export function surface(root: string, modules: Readonly<Record<string, unknown>>[]): Set<string> {
  const functions = modules.flatMap((module) =>
    Object.entries(module).filter(([, value]) => typeof value === 'function' && !isClass(value)),
  );
  const declared = ['index.d.ts', 'snap.d.ts'].flatMap((file) => members(readFileSync(join(root, file), 'utf8')));
  return new Set([...functions.map(([name]) => name), ...declared]);
}

function members(declarations: string): string[] {
  const blocks = declarations.matchAll(/^export (?:declare class|interface) (\w+)[^{]*\{\n(.*?)^\}/gms);
  return [...blocks].flatMap(([block, name = '', body = '']) => {
    if (!block.startsWith('export declare class') && !ACTING.includes(name)) return [];
    const lines = body.matchAll(/^\t(?:static |get |readonly )?([\w]+|\[Symbol\.\w+\])(?:<\w+>)?[(]/gm);
    return [...lines]
      .map(([, member = '']) => member)
      .filter((m) => m !== 'constructor')
      .map((m) => `${name}.${m}`);
  });
}

/** Their members are read from the declarations, which leave out what is internal. */
function isClass(value: unknown): boolean {
  return /^class\b/.test(Function.prototype.toString.call(value));
}
