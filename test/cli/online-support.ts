// A Haraka directory and an environment of its own for `check --online`, with the emulator as SES and STS.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { check } from '../../src/cli/check'
import type { Online } from '../../src/cli/online/online'
import { camelKeys } from '../../src/json'
import { EMULATOR_CREDENTIALS, type SesEmulator } from '../../src/ses-emulator/server'

export const SETTINGS = 'ses-bounce.ini'
export const RULES = 'ses-bounce-rules.ini'

/** The variables that the tests set, so that no key or profile of this machine is used. */
export function environment(changes: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return {
    AWS_ACCESS_KEY_ID: EMULATOR_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: EMULATOR_CREDENTIALS.secretAccessKey,
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
    ...changes,
  }
}

/** The SDK looks at this process's own environment. Gives back what was there. */
export async function withEnvironment<T>(env: NodeJS.ProcessEnv, work: () => Promise<T>): Promise<T> {
  const before = { ...process.env }
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name]
  Object.assign(process.env, env)
  try {
    return await work()
  } finally {
    for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name]
    Object.assign(process.env, before)
  }
}

/** `ses`: lines of [ses]; `domains`: in host_list. */
export interface Configured {
  ses?: string
  domains?: string[]
  rules?: string
  files?: Record<string, string>
}

export class Directories {
  readonly #made: string[] = []

  make({ ses = '', domains = ['example.com'], rules, files = {} }: Configured): string {
    const dir = mkdtempSync(path.join(tmpdir(), 'ses-bounce-online-'))
    this.#made.push(dir)
    mkdirSync(path.join(dir, 'config'))
    const all = {
      [SETTINGS]: `[relay]\ntrusted = 192.0.2.10\n[ses]\n${ses}\n`,
      [RULES]: rules ?? '[unknown]\nrecipient = nobody@example.com\naction = bounce\n',
      host_list: `${domains.join('\n')}\n`,
      ...files,
    }
    for (const [name, text] of Object.entries(all)) writeFileSync(path.join(dir, 'config', name), text)
    return dir
  }

  remove(): void {
    for (const dir of this.#made.splice(0)) rmSync(dir, { recursive: true, force: true })
  }
}

export interface Ran {
  code: number
  /** The lines of --online, without their mark. */
  online: string[]
  lines: string[]
}

export async function runOnline(dir: string, env: NodeJS.ProcessEnv, args: string[] = []): Promise<Ran> {
  const lines: string[] = []
  const out = {
    line: (text: string) => void lines.push(text),
    error: (text: string) => void lines.push(`stderr: ${text}`),
  }
  const code = await withEnvironment(env, () => check(['--dir', dir, '--online', ...args], out, process.env))
  const online = lines.flatMap(text => /^online: (.*)$/.exec(text)?.[1] ?? [])
  return { code, online, lines }
}

export interface Answer {
  errors: unknown[]
  warnings: unknown[]
  ok: boolean
  online?: Online
}

export async function runJson(dir: string, env: NodeJS.ProcessEnv, args: string[] = []) {
  const { code, lines } = await runOnline(dir, env, ['--json', ...args])
  const answer = camelKeys(JSON.parse(lines[0] ?? '')) as Answer
  return { code, answer, lines }
}

/** `region action` of each call, in their order within a region. */
export function asked(ses: SesEmulator): string[] {
  return ses.calls.map(({ region, action }) => `${region} ${action}`).toSorted()
}
