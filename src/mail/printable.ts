// Makes text from others fit for a reply, a header or a bounce. Pure; accepts any text.

/** Runs of white space become one blank, all else that isn't printable ASCII a question mark. */
export function printable(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[^ -~]/gu, '?')
}
