// Filters of system calls, for programs that tests start.

/** One that answers this errno to these calls, by number, and lets all others through. */
export function refusing(errno: number, ...calls: readonly number[]): Buffer {
  return Buffer.concat([
    instruction(0x20, 0, 0, 0), // Load the number of the call.
    ...calls.map((call, at) => instruction(0x15, calls.length - at, 0, call)),
    instruction(0x06, 0, 0, 0x7fff_0000),
    instruction(0x06, 0, 0, 0x0005_0000 | errno),
  ]);
}

/** One instruction of classic BPF. */
function instruction(code: number, jumpTrue: number, jumpFalse: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt8(jumpTrue, 2);
  bytes.writeUInt8(jumpFalse, 3);
  bytes.writeUInt32LE(value, 4);
  return bytes;
}
