// Buffers of every kind, and such as are not there any more.

import type { Random } from './random.ts';

class WildBytes extends Uint8Array {
  override get length(): number {
    return 2 ** 40;
  }
  override get byteLength(): number {
    return 8;
  }
}

/** Its memory belongs to somebody else now. */
export function detached(): Uint8Array {
  const bytes = new Uint8Array(16);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  return bytes;
}

/** Its memory goes to somebody else in a moment. */
export function aboutToDetach(): Uint8Array {
  const bytes = new Uint8Array(64);
  setImmediate(() => structuredClone(bytes.buffer, { transfer: [bytes.buffer] }));
  return bytes;
}

interface Resizable {
  resize(length: number): void;
}
const ResizableBuffer = ArrayBuffer as unknown as new (
  length: number,
  options: { maxByteLength: number },
) => ArrayBuffer & Resizable;

function outOfBounds(): Uint8Array {
  const memory = new ResizableBuffer(64, { maxByteLength: 128 });
  const bytes = new Uint8Array(memory, 32, 32);
  memory.resize(8);
  return bytes;
}

export const hostileBytes: readonly ((random: Random) => unknown)[] = [
  () => new Uint8Array(),
  (random) => new Uint8Array(random.below(64)),
  (random) => Uint8Array.from({ length: 8 * random.below(9) }, () => random.next()),
  () => Buffer.from('bytes'),
  () => Buffer.alloc(2 ** 16),
  () => new Uint8ClampedArray(8),
  () => new Float64Array(8),
  () => new BigInt64Array(8),
  () => new DataView(new ArrayBuffer(8)),
  () => new ArrayBuffer(8),
  () => new SharedArrayBuffer(8),
  () => new Uint8Array(new SharedArrayBuffer(8)),
  () => detached(),
  () => aboutToDetach(),
  () => outOfBounds(),
  () => new Uint8Array(new ResizableBuffer(8, { maxByteLength: 16 })),
  () => Object.create(Uint8Array.prototype),
  () => Object.setPrototypeOf(new Float32Array(8), Uint8Array.prototype),
  () => new WildBytes(8),
  () => new Proxy(new Uint8Array(8), {}),
];
