// Node streams over our ends of a child's pipes. A stream owns its descriptor.

import type { Duplex, Readable, Writable } from 'node:stream';

/** What is used of Bun itself. Its files only borrow a descriptor, and wait in the event loop until it is ready. */
interface Bun {
  file(fd: number): {
    stream(): ReadableStream<Uint8Array>;
    writer(): { write(chunk: Uint8Array): unknown; flush(): unknown; end(): unknown };
  };
}

const bun = (globalThis as { Bun?: Bun }).Bun;

/** Modules of Node are loaded with the first pipe: most programs that import procward never need them for that. @internal */
export function openStream(fd: number, readable: boolean, writable: boolean): Readable | Writable | Duplex {
  const stream = bun === undefined ? openSocket(fd, readable, writable) : openInBun(bun, fd, readable, writable);
  // A reader that goes away is told by the write that fails, or by the exit; without a listener it would end the program.
  if (writable) stream.on('error', () => {});
  return stream;
}

function openSocket(fd: number, readable: boolean, writable: boolean): Duplex {
  const { Socket } = process.getBuiltinModule('node:net');
  return new Socket({ fd, readable, writable });
}

/** Bun's Socket takes no descriptor when it is made; it connects to one, which has to be a socket: what goes both ways is. */
function openInBun(bun: Bun, fd: number, readable: boolean, writable: boolean): Readable | Writable | Duplex {
  if (!readable) return writerInBun(bun, fd);
  if (!writable) return readerInBun(bun, fd);
  const { Socket } = process.getBuiltinModule('node:net');
  const descriptor: { fd: number } = { fd };
  return new Socket().connect(descriptor as never);
}

function readerInBun(bun: Bun, fd: number): Readable {
  const { Readable } = process.getBuiltinModule('node:stream');
  const { closeSync } = process.getBuiltinModule('node:fs');
  const reader = bun.file(fd).stream().getReader();
  const stream: Readable = new Readable({
    read() {
      const fail = (error: Error) => stream.destroy(error);
      reader.read().then(({ value }) => void stream.push(value ?? null), fail);
    },
    async destroy(error, done) {
      await reader.cancel().catch(() => {});
      closeSync(fd);
      done(error);
    },
  });
  return stream;
}

function writerInBun(bun: Bun, fd: number): Writable {
  const { Writable } = process.getBuiltinModule('node:stream');
  const { closeSync } = process.getBuiltinModule('node:fs');
  const sink = bun.file(fd).writer();
  const flush = async (chunk: Uint8Array) => {
    await sink.write(chunk);
    await sink.flush();
  };
  return new Writable({
    write(chunk, _encoding, done) {
      flush(chunk).then(() => done(), done);
    },
    destroy(error, done) {
      // What was not taken by now is given up, as by a socket that is destroyed.
      Promise.resolve(sink.end()).catch(() => {});
      closeSync(fd);
      done(error);
    },
  });
}
