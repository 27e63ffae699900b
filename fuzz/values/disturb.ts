// Near-valid arguments: what a call expects, with one part of it made hostile. That is where real defects are.

import { hostile } from './hostile.ts';
import { flip, mine, revoked, trapped } from './hostile-objects.ts';
import type { Random } from './random.ts';

/** A part of the arguments: in what, and where in it. */
interface Place {
  readonly holder: object;
  readonly key: PropertyKey;
}

/** The arguments with one part changed; `other` gives handles, which no generator of values has. */
export function disturb(random: Random, args: readonly unknown[], other: () => unknown): unknown[] {
  const copy = [...args];
  const places = placesIn(copy);
  if (places.length === 0) return [anything(random, other), ...copy];
  const place = random.pick(places);
  const value = Reflect.get(place.holder, place.key) as unknown;
  if (!change(random, place, value, other)) Reflect.set(place.holder, place.key, anything(random, other));
  return copy;
}

/** Every one of them anything at all, and perhaps more or fewer than there should be. */
export function replace(random: Random, count: number, other: () => unknown): unknown[] {
  const length = Math.max(0, count + random.pick([-1, 0, 0, 0, 0, 1]));
  return Array.from({ length }, () => anything(random, other));
}

function anything(random: Random, other: () => unknown): unknown {
  return random.percent(12) ? other() : hostile(random);
}

/** False where the part has to be replaced as a whole. */
function change(random: Random, { holder, key }: Place, value: unknown, other: () => unknown): boolean {
  const isObject = typeof value === 'object' && value !== null;
  switch (random.below(12)) {
    case 0:
      return Reflect.deleteProperty(holder, key);
    case 1:
      mine(holder, key);
      return true;
    case 2:
      flip(holder, key, value, anything(random, other));
      return true;
    case 3:
      return isObject && Reflect.set(holder, key, trapped(random, value));
    case 4:
      return isObject && Reflect.set(holder, key, random.percent(50) ? revoked(value) : new Proxy(value, {}));
    case 5:
      return isPlain(value) && Reflect.set(holder, key, Object.assign(Object.create(null), value));
    case 6:
      return isPlain(value) && Reflect.set(holder, key, { ...value, [String(hostileKey(random))]: hostile(random) });
    case 7:
      return Array.isArray(value) && value.push(anything(random, other)) > 0;
    case 8:
      if (Array.isArray(value)) value.length += 1 + random.below(3);
      return Array.isArray(value);
    default:
      return false;
  }
}

function hostileKey(random: Random): PropertyKey {
  return random.pick(['', 'timeoutms', 'Signal', '__proto__', 'constructor', 'toString', '\ud800', '0']);
}

function placesIn(holder: object, depth = 0): Place[] {
  if (depth > 4) return [];
  return Reflect.ownKeys(holder)
    .filter((key) => !(Array.isArray(holder) && key === 'length'))
    .flatMap((key) => {
      const value = Reflect.get(holder, key) as unknown;
      const inner = isPlain(value) || Array.isArray(value) ? placesIn(value, depth + 1) : [];
      return [{ holder, key }, ...inner];
    });
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
