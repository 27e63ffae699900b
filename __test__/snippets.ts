// The blocks of code that the documents and the doc comments show: where they stand, what they need, and what they print.

import { readdirSync } from 'node:fs';
import { packagePath, readSource } from './source.ts';

export interface Snippet {
  /** Where it starts, as editors open it: `docs/quick-start.md:12`. */
  readonly at: string;
  readonly language: 'ts' | 'js' | 'sh';
  readonly code: string;
  /** Of its first line: `// needs: cgroup2`, `# needs: clone (with Rust)`. */
  readonly needs: readonly string[];
  /** What the page says it prints, in this order; `…` stands for anything. */
  readonly prints: readonly string[];
}

interface Fence {
  readonly line: number;
  readonly label: string;
  readonly lines: readonly string[];
  /** Nothing but empty lines stands between it and the fence before. */
  readonly follows: boolean;
}

const LANGUAGES: readonly string[] = ['ts', 'js', 'sh'];
/** Shown only. `text` after a snippet is what that prints. */
const SHOWN: readonly string[] = ['text', 'markdown', 'json', 'yaml', 'dockerfile', 'ini'];

/** The pages that are for users. */
export function pages(): string[] {
  const docs = readdirSync(packagePath('docs'), { recursive: true, encoding: 'utf8' });
  return ['README.md', ...docs.filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)].sort();
}

/** Every snippet of the pages and of the doc comments in src/. */
export function snippets(): Snippet[] {
  const sources = readdirSync(packagePath('src'), { recursive: true, encoding: 'utf8' });
  return [
    ...pages().flatMap((path) => inMarkdown(path, readSource(path), 1)),
    ...sources
      .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
      .sort()
      .flatMap((name) => inComments(`src/${name}`)),
  ];
}

function inComments(path: string): Snippet[] {
  const source = readSource(path);
  return [...source.matchAll(/\/\*\*[\s\S]*?\*\//g)].flatMap(({ 0: comment, index }) => {
    const text = comment.replace(/^ *(?:\/\*\*|\*\/|\* ?)/gm, '');
    return inMarkdown(path, text, source.slice(0, index).split('\n').length);
  });
}

function inMarkdown(path: string, text: string, firstLine: number): Snippet[] {
  const found: Snippet[] = [];
  for (const { line, label, lines, follows } of fences(text)) {
    const at = `${path}:${firstLine + line}`;
    if (LANGUAGES.includes(label)) {
      const code = lines.join('\n');
      const [, needs] = /^(?:\/\/|#) needs: ([\w, ]+?)(?: \(.*\))?$/.exec(lines[0] ?? '') ?? [];
      const prints = lines.flatMap((shown) => /\bconsole\.(?:log|error)\(.*\/\/ (.+)$/.exec(shown)?.[1] ?? []);
      found.push({ at, language: label as Snippet['language'], code, needs: needs?.split(', ') ?? [], prints });
    } else if (!SHOWN.includes(label)) {
      throw new Error(`${at}: label this block with one of ${[...LANGUAGES, ...SHOWN].join(', ')}`);
    } else if (label === 'text' && follows) {
      const last = found.pop();
      if (last !== undefined) found.push({ ...last, prints: [...last.prints, ...lines] });
    }
  }
  return found;
}

function fences(text: string): Fence[] {
  const found: Fence[] = [];
  let open: { line: number; label: string; lines: string[]; follows: boolean } | undefined;
  let isFollowing = false;
  for (const [line, content] of text.split('\n').entries()) {
    const [, label] = /^```(\S*)/.exec(content) ?? [];
    if (open !== undefined && label === '') {
      found.push(open);
      open = undefined;
      isFollowing = true;
    } else if (open !== undefined) {
      open.lines.push(content);
    } else if (label !== undefined) {
      open = { line, label, lines: [], follows: isFollowing };
    } else if (content.trim() !== '') {
      isFollowing = false;
    }
  }
  if (open !== undefined) throw new Error(`a block that begins with "${open.lines[0]}" has no end`);
  return found;
}

/** Whether the output has all that the page shows, in its order. Where a line is broken does not count. */
export function isShown(prints: readonly string[], output: string): boolean {
  const plain = (text: string) => text.replace(/\s+/g, ' ').trim();
  const literal = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const pattern = prints.map((shown) =>
    plain(shown)
      .split('…')
      .map((part) => literal(part.trim()))
      .join('[^]*?'),
  );
  return new RegExp(pattern.join('[^]*?')).test(plain(output));
}
