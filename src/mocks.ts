// What the tests of other programs have put in the place of control groups, for procward/testing.

/** Layers of a mock: the one that was put on last counts, whichever is taken off first. */
class Layers<T> {
  readonly #layers: { readonly value: T }[] = [];

  /** Puts one on, and returns what takes it off again; repeated, that does nothing. */
  put(value: T): () => void {
    const layer = { value };
    this.#layers.push(layer);
    return () => {
      const at = this.#layers.indexOf(layer);
      if (at >= 0) this.#layers.splice(at, 1);
    };
  }

  get top(): T | undefined {
    return this.#layers.at(-1)?.value;
  }
}

/** What freezes and thaws instead. @internal */
export interface Freezing {
  readonly freeze: (application: string) => void | Promise<void>;
  readonly thaw: (application: string) => void | Promise<void>;
}

/** The version that is pretended to lead. @internal */
export class Version {
  readonly version: 0 | 1 | 2;
  readonly #error: Error | undefined;

  constructor(version: 0 | 1 | 2, error: Error | undefined) {
    this.version = version;
    this.#error = error;
  }

  /** @throws The error that finding out is pretended to end in. */
  reveal(): 0 | 1 | 2 {
    if (this.#error !== undefined) throw this.#error;
    return this.version;
  }
}

const freezings = new Layers<Freezing>();
const versions = new Layers<Version>();

/** @internal */
export const mockedFreezing = (): Freezing | undefined => freezings.top;
/** @internal */
export const mockedVersion = (): Version | undefined => versions.top;
/** @internal */
export const putFreezing = (freezing: Freezing): (() => void) => freezings.put(freezing);
/** @internal */
export const putVersion = (version: Version): (() => void) => versions.put(version);
