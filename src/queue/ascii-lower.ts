// Lower case as SQLite's lower() and PostgreSQL's with COLLATE "C" have it: letters of ASCII only.

export function asciiLower(text: string): string {
  return text.replace(/[A-Z]/g, letter => letter.toLowerCase())
}
