// The shared server as a program: says its port in one line, and ends when its standard input does.

import { startServer } from './server'

async function main(): Promise<void> {
  const server = await startServer()
  console.log(server.port)
  process.stdin.resume()
  process.stdin.once('end', () => void server.remove().then(() => process.exit()))
}

void main()
