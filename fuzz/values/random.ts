// Random choices that can be had again: each call draws from a sequence of its own, which follows from a seed and its number.

/** How far the state moves with each draw: odd, so that all 2^32 states are passed. */
const STEP = 0x9e37_79b9;

export class Random {
  #state: number;

  constructor(seed: number, call: number) {
    this.#state = mix(mix(seed) ^ call);
  }

  /** Any of 2^32 integers. */
  next(): number {
    this.#state = (this.#state + STEP) >>> 0;
    return mix(this.#state);
  }

  /** From 0 to one less than that. */
  below(count: number): number {
    return this.next() % count;
  }

  /** True in so many of a hundred cases. */
  percent(chance: number): boolean {
    return this.below(100) < chance;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  /** A few of the properties, as a new object. */
  some<T extends object>(all: T): Partial<T> {
    const chance = this.pick([0, 20, 50, 100]);
    return Object.fromEntries(Object.entries(all).filter(() => this.percent(chance))) as Partial<T>;
  }
}

/** Spreads neighbouring numbers over the whole range: two rounds of shift and multiply. */
function mix(value: number): number {
  const first = Math.imul(value ^ (value >>> 16), 0x045d_9f3b);
  const second = Math.imul(first ^ (first >>> 16), 0x045d_9f3b);
  return (second ^ (second >>> 16)) >>> 0;
}
