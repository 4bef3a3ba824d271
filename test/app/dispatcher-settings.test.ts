// The settings that the dispatcher's process accepts: no more than the workers', where it would have no role for them.

import assert from 'node:assert/strict'
import { compileActiveConfig } from '../../src/app/active-config'
import { compileDispatcherSettings } from '../../src/app/dispatcher-settings'
import { formatDiagnostic } from '../../src/config/diagnostics'
import { snapshotSources } from '../../src/config/sources'

const ACCOUNT = '[account.one]\nrole = arn:aws:iam::123456789012:role/bounce\ndomains = one.example\n'

describe('the settings of the dispatcher', () => {
  const compiled = (files: Record<string, string>) => {
    const sources = snapshotSources(files)
    const read: string[] = []
    const asked = (name: string) => {
      read.push(name)
      return sources.read(name)
    }
    const { value, diagnostics } = compileDispatcherSettings({ ...sources, read: asked }, {})
    return {
      value,
      errors: diagnostics.map(formatDiagnostic),
      read,
      ofWorkers: compileActiveConfig(snapshotSources(files), {}).diagnostics.map(formatDiagnostic),
    }
  }

  it('are refused with the error of the workers where a domain of ours is in no account', () => {
    const { errors, ofWorkers } = compiled({
      'ses-bounce.ini': ACCOUNT,
      host_list: 'one.example\ntwo.example\n',
    })
    assert.deepEqual(errors, ['host_list:2: two.example: domain in no account; did you mean "one.example"?'])
    assert.deepEqual(ofWorkers, errors)
  })

  it('need no other file than theirs where there are no accounts', () => {
    const { value, errors, read } = compiled({ 'ses-bounce.ini': '', host_list: 'two.example\n' })
    assert.deepEqual([value.accounts, errors, read], [[], [], ['ses-bounce.ini']])
  })

  it('have the accounts where all domains are in one', () => {
    const { value, errors } = compiled({ 'ses-bounce.ini': ACCOUNT, host_list: 'one.example\n' })
    assert.deepEqual(errors, [])
    assert.deepEqual(
      value.accounts.map(({ name, number }) => [name, number]),
      [['one', '123456789012']],
    )
  })
})
