// Colours for terminals, none for anything else.

import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/** Whether output to this stream may be coloured: NO_COLOR and FORCE_COLOR win over what the stream is. */
function isColourful(stream: NodeJS.WriteStream): boolean {
  const { NO_COLOR, FORCE_COLOR } = process.env;
  if (NO_COLOR) return false;
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== '0';
  return stream.isTTY === true;
}

const colourful = isColourful(process.stdout);

/** The text in a style, where standard output shows styles. */
export function paint(style: Style, text: string): string {
  return colourful ? styleText(style, text) : text;
}
