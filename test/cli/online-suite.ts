// An emulator, Haraka directories and an environment of its own for each test of `check --online`.

import {
  type Fault,
  type SesEmulator,
  type SesEmulatorOptions,
  startSesEmulator,
} from '../../src/ses-emulator/server'
import { type Configured, Directories, environment, runOnline } from './online-support'

export const WHO = 'the credentials are of arn:aws:iam::123456789012:user/local-ses'
export const TAKES =
  'this needs sts:GetCallerIdentity (always permitted), ses:GetIdentityVerificationAttributes and ses:SendBounce'
export const CALLED =
  'SendBounce was called once a region, for no mail that there is: nothing was bounced; a running dispatcher may be throttled once'
export const SENDER = 'mailer-daemon@example.com'

/** The parts that the tests of `check --online` share; each gets an emulator by `start`. */
export function onlineSuite() {
  const directories = new Directories()
  let ses: SesEmulator
  const start = async (options: SesEmulatorOptions = {}) =>
    (ses = await startSesEmulator({ intervalMs: 0, identities: ['example.com'], ...options }))
  afterEach(async () => {
    directories.remove()
    await ses.close()
  })

  const env = (changes: NodeJS.ProcessEnv = {}) => environment({ AWS_ENDPOINT_URL_STS: ses.url, ...changes })
  /** [ses] with the emulator as SES. */
  const lines = (more: string) => `endpoint = ${ses.url}\n${more}`
  const directory = ({ ses: more = 'regions = eu-west-1', ...rest }: Configured = {}) =>
    directories.make({ ses: lines(more), ...rest })
  const run = (configured: Configured = {}, args: string[] = []) =>
    runOnline(directory(configured), env(), args)
  /** The lines about the one region. */
  const ofRegion = async (configured: Configured = {}) => {
    const { code, online } = await run(configured)
    const said = online.flatMap(line => /^eu-west-1: (.*)$/.exec(line)?.[1] ?? [])
    return { code, said }
  }
  const faultFor = (action: string, fault: Fault) =>
    start({ faults: subject => (subject.action === action ? fault : undefined) })
  return { directories, start, ses: () => ses, env, lines, directory, run, ofRegion, faultFor }
}
