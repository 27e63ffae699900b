// Type-checks snippets as files of the package's own directory, where 'procward' is what is published: index.d.ts.

import ts from 'typescript';
import type { Snippet } from './snippets.ts';
import { packagePath } from './source.ts';

/** What the compiler says about them, each with its place on the page. */
export function complaints(snippets: readonly Snippet[]): string[] {
  const files = new Map(snippets.map((snippet, at) => [packagePath(`snippet-${at}.ts`), snippet]));
  // What the types of Node and of the package say is checked with the package itself.
  const options: ts.CompilerOptions = {
    ...configured(),
    moduleDetection: ts.ModuleDetectionKind.Force,
    noEmit: true,
    skipLibCheck: true,
  };
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (path) => files.has(path) || fileExists(path);
  host.readFile = (path) => files.get(path)?.code ?? readFile(path);
  host.getSourceFile = (path, languageVersion, ...rest) => {
    const snippet = files.get(path);
    if (snippet === undefined) return getSourceFile(path, languageVersion, ...rest);
    return ts.createSourceFile(path, snippet.code, languageVersion);
  };
  const program = ts.createProgram([...files.keys()], options, host);
  return ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const snippet = files.get(file?.fileName ?? '');
    const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start).line + 1;
    return `${snippet?.at ?? file?.fileName}, line ${line}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
  });
}

/** The strictness of the package's own sources. */
export function configured(): ts.CompilerOptions {
  const path = packagePath('tsconfig.json');
  const { config, error } = ts.readConfigFile(path, ts.sys.readFile);
  if (error !== undefined) throw new Error(ts.flattenDiagnosticMessageText(error.messageText, '\n'));
  return ts.parseJsonConfigFileContent({ ...config, files: [], include: [] }, ts.sys, packagePath()).options;
}
