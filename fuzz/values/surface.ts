// Everything that can be called, found out at run time: what is added to the package cannot be forgotten here.

/** Something to call. */
export interface Callable {
  /** `spawn`, `new Cgroup`, `Cgroup.open`, `Cgroup#freeze`, `Process#get pid`. */
  readonly name: string;
  readonly kind: 'function' | 'constructor' | 'static' | 'method' | 'getter';
  call(receiver: unknown, args: readonly unknown[]): unknown;
}

/** The functions and classes among the exports of a module; what is neither cannot be called. */
export function surfaceOf(module: object): Callable[] {
  return Object.entries(module).flatMap(([name, exported]) => {
    if (typeof exported !== 'function') return [];
    return isClass(exported) ? classSurface(name, exported) : [ofFunction(name, 'function', exported)];
  });
}

type AnyFunction = (...args: unknown[]) => unknown;

/** Functions that the addon exports have a prototype, too, but only classes have something on it or cannot be called. */
function isClass(exported: object): exported is AnyFunction {
  return typeof exported === 'function' && /^[A-Z]/.test(exported.name);
}

function classSurface(name: string, exported: AnyFunction): Callable[] {
  const construct = (_: unknown, args: readonly unknown[]) => Reflect.construct(exported, args) as unknown;
  return [
    { name: `new ${name}`, kind: 'constructor', call: construct },
    ...members(exported, (key) => `${name}.${key}`, 'static').filter(
      ({ name: member }) => !member.endsWith('.prototype'),
    ),
    ...members(exported.prototype as object, (key) => `${name}#${key}`, 'method'),
  ];
}

function members(holder: object, toName: (key: string) => string, kind: 'static' | 'method'): Callable[] {
  return Reflect.ownKeys(holder).flatMap((key) => {
    if (key === 'constructor') return [];
    // Where JavaScript has none of its own yet, Node calls its symbols by its name.
    const shown = typeof key === 'symbol' ? `[${key.description?.replace('nodejs', 'Symbol')}]` : key;
    const { value, get } = Object.getOwnPropertyDescriptor(holder, key) ?? {};
    if (get !== undefined) return [ofFunction(toName(`get ${shown}`), 'getter', get)];
    return typeof value === 'function' ? [ofFunction(toName(shown), kind, value as AnyFunction)] : [];
  });
}

export function ofFunction(name: string, kind: Callable['kind'], callee: (...args: never[]) => unknown): Callable {
  return { name, kind, call: (receiver, args) => Reflect.apply(callee, receiver, args) as unknown };
}
