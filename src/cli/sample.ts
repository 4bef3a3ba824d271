// `ses-bounce sample`: a mail as SES hands it on, to try rules with: written out, or sent to this Haraka as a relay would.

import { writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Command } from 'commander'
import { compileActiveConfig } from '../app/active-config'
import { createSources } from '../config/sources'
import { errorMessage } from '../errors'
import { jsonText } from '../json'
import { type Endpoint, parseEndpoint, smtpEndpointOf } from '../quarantine/endpoint'
import { openHandOver } from '../relay/hand-over'
import { type CommonOptions, each, harakaDir, runCommand, type Shell, UsageError } from './command-line'
import { escapeControls, type Out } from './out'
import { type SampleMail, sampleMail } from './sample/sample-mail'
import { TIME_FORM, timeOption } from './time-option'

const VERDICTS = ['spam', 'virus', 'spf', 'dkim', 'dmarc'] as const
type VerdictOption = `verdict.${(typeof VERDICTS)[number]}`

interface Options extends CommonOptions, Partial<Record<VerdictOption, string>> {
  to?: string[]
  from?: string
  headerFrom?: string
  at?: number
  region?: string
  clientIp?: string
  subject?: string
  body?: string
  html?: string
  attach?: string[]
  out?: string
  send?: Endpoint | true
}

export const describeSample = (command: Command, { out, env, exit }: Shell): void => {
  command
    .description(
      'A mail as SES hands it on: its fields above a small text. Written to standard output, to a file, or sent.',
    )
    .option(
      '--to <ADDRESS>',
      'a recipient at SES; may be given again (default: user@ your first domain)',
      each(one),
    )
    .option('--from <ADDRESS>', 'the sender of record, Return-Path; <> is the null sender')
    .option('--header-from <TEXT>', 'From (default: the sender)')
    .option('--at <TIME>', `when SES received it: ${TIME_FORM} (default: now)`, timeOption('--at'))
    .option('--region <REGION>', 'the region of SES (default: eu-west-1)')
    .option('--client-ip <IP>', 'the address that gave it to SES')
    .option('--subject <TEXT>', 'its subject')
    .option('--body <TEXT>', 'its text; \\n is a line end')
    .option('--html <TEXT>', 'its HTML')
    .option('--attach <NAME>', 'an attachment of that name; may be given again', each(one))
  for (const name of VERDICTS)
    command.option(
      `--verdict.${name} <WORD>`,
      `SES's verdict, as the condition verdict.${name} has it (default: pass)`,
    )
  command
    .option('--out <FILE>', 'write it to a file, which must not be there yet')
    .option(
      '--send [HOST:PORT]',
      'send it by SMTP (default: to the first address in smtp.ini), and show each reply',
      toEndpoint,
    )
    .addHelpText(
      'after',
      `
  ses-bounce sample --to x@yours.example | ses-bounce explain -
SES doesn't know the mail: SendBounce for it fails at AWS, and works with [ses] endpoint = local.
Ends with 0; with --send with 1 when a recipient is refused; with 2 on wrong options.`,
    )
    .action(exit(command => sample(command.optsWithGlobals<Options>(), out, env)))
}

/** Resolves with the exit code. */
export function runSample(args: string[], out: Out, env: NodeJS.ProcessEnv = process.env): Promise<number> {
  return runCommand('sample', describeSample, args, { out, env })
}

async function sample(options: Options, out: Out, env: NodeJS.ProcessEnv): Promise<number> {
  const dir = harakaDir(options, env)
  const mail = await sampleMail(keysOf(options, dir, env), options.at ?? Date.now())
  try {
    if (options.send !== undefined) return await send(mail, options, { dir, out, env })
    if (options.out !== undefined) writeFileSync(path.resolve(options.out), mail.raw, { flag: 'wx' })
    if (options.json) out.line(jsonText({ ...partsOf(mail), mail: mail.raw.toString('utf8') }))
    // the line end that `out` adds completes the last one
    else if (options.out === undefined) out.line(mail.raw.toString('utf8').replace(/\n$/, ''))
    return 0
  } catch (error) {
    out.error(escapeControls(`ses-bounce sample: ${errorMessage(error)}`))
    return 1
  }
}

function partsOf({ sesId, sender, recipients }: SampleMail) {
  return { sesId, sender, recipients }
}

interface Place {
  dir: string
  out: Out
  env: NodeJS.ProcessEnv
}

async function send(mail: SampleMail, { send, json }: Options, { dir, out, env }: Place): Promise<number> {
  const smtp = send === true || send === undefined ? await smtpEndpointOf(dir) : send
  if (smtp === undefined) throw new Error('smtp.ini names no address; give it with --send HOST:PORT')
  for (const warning of warningsOf(smtp, dir, env)) out.error(`ses-bounce sample: ${warning}`)
  const handOver = openHandOver({ smtp, tls: 'auto' })
  const replies = await handOver.send(mail)
  handOver.close()
  if (json) out.line(jsonText({ ...partsOf(mail), replies }))
  else
    for (const { recipient, code, text } of replies)
      out.line(escapeControls(`${recipient}: ${code === 0 ? '' : `${code} `}${text.replace(/^\d{3} /, '')}`))
  return replies.every(({ code }) => code >= 200 && code < 300) ? 0 : 1
}

/** Warnings that the reply doesn't contain. None where the configuration isn't here, or has errors. */
function warningsOf({ host }: Endpoint, dir: string, env: NodeJS.ProcessEnv): string[] {
  const { value, diagnostics } = compileActiveConfig(createSources(path.join(dir, 'config')), env)
  if (diagnostics.some(({ severity }) => severity === 'error')) return []
  const isHere = host === '127.0.0.1' || host === '::1' || host === 'localhost'
  const { endpoint } = value.settings.ses
  return [
    ...(isHere && !value.trusts(host === '::1' ? host : '127.0.0.1', undefined)
      ? ["[relay] trusted doesn't have this host's loopback address, so no rule is asked"]
      : []),
    ...(endpoint === ''
      ? ["SES doesn't know this mail, so a bounce of it fails at AWS; [ses] endpoint = local makes it"]
      : []),
  ]
}

/** Keys whose values are lists, quoted already. */
const LISTS: ReadonlySet<string> = new Set(['recipient', 'attachment.name'])

/** The values of the options, by the keys of test cases. */
function keysOf(options: Options, dir: string, env: NodeJS.ProcessEnv): Record<string, string> {
  const {
    to = [standardRecipient(dir, env)],
    from,
    headerFrom,
    region,
    clientIp,
    subject,
    body,
    html,
    attach,
  } = options
  const given: Record<string, string | undefined> = {
    recipient: to.map(quoted).join(', '),
    sender: from,
    from: headerFrom,
    region,
    'client.ip': clientIp,
    subject: subject ?? 'A sample mail',
    body: body ?? (html === undefined ? 'This mail was made by ses-bounce sample.\\n' : undefined),
    'body.html': html,
    'attachment.name': attach?.map(quoted).join(', '),
    ...Object.fromEntries(VERDICTS.map(name => [`verdict.${name}`, options[`verdict.${name}`]])),
  }
  return Object.fromEntries(
    Object.entries(given).flatMap(([key, value]) =>
      value === undefined ? [] : [[key, LISTS.has(key) ? value : whole(value)]],
    ),
  )
}

/** A domain of the installed product, if its configuration can be read. */
function standardRecipient(dir: string, env: NodeJS.ProcessEnv): string {
  const { value } = compileActiveConfig(createSources(path.join(dir, 'config')), env)
  const domain = value.domains.find(name => /^[a-z\d-]+(\.[a-z\d-]+)+$/i.test(name))
  return `user@${domain ?? 'yours.example'}`
}

/** One item of a list, whatever is in it (src/config/items.ts). */
function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}

/** A semicolon behind a blank would begin a comment. */
function whole(text: string): string {
  return text.replace(/(^|\s);/g, '$1\\;')
}

function one(text: string): string {
  return text
}

/** @throws UsageError */
function toEndpoint(text: string): Endpoint {
  const endpoint = parseEndpoint(text)
  if (endpoint === undefined) throw new UsageError(`--send can't be "${text}"; write HOST:PORT`)
  return endpoint
}
