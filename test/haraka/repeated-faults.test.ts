import assert from 'node:assert/strict'
import { QueueError } from '../../src/errors'
import { RepeatedFaults } from '../../src/haraka/repeated-faults'
import { until } from '../live/support/wait'

describe('a fault that each mail meets', () => {
  const lines: string[] = []
  const logs = {
    log: (text: string) => void lines.push(text),
    later: (text: string) => void lines.push(`later: ${text}`),
  }
  const away = () => new QueueError('QUEUE_UNREACHABLE', 'db: nothing answers there')
  beforeEach(() => lines.splice(0))

  it('is logged at the first mail, and then once for all mails since', async () => {
    const faults = new RepeatedFaults(50)
    for (let mail = 0; mail < 4; mail++) faults.note(away(), logs)
    assert.deepEqual(lines, ['temporary refusal: db: nothing answers there'])
    await until(() => lines.length === 2, { what: 'the line about the others' })
    assert.equal(
      lines[1],
      'later: temporary refusal: db: nothing answers there; 3 more mails in the last 0.05 s',
    )
  })

  it('is logged at once again where a while passed without it', async () => {
    const faults = new RepeatedFaults(1)
    faults.note(away(), logs)
    await until(
      () => {
        faults.note(away(), logs)
        return lines.filter(line => !line.startsWith('later: ')).length === 2
      },
      { what: 'a second first line', everyMs: 20 },
    )
  })

  it("hides no fault of another kind, nor one of the program's own", () => {
    const faults = new RepeatedFaults()
    for (const error of [away(), new QueueError('QUEUE_FULL', 'the disk is full'), away()])
      faults.note(error, logs)
    for (let mail = 0; mail < 2; mail++) faults.note(new TypeError('of ours'), logs)
    assert.deepEqual(lines, [
      'temporary refusal: db: nothing answers there',
      'temporary refusal: the disk is full',
      'temporary refusal: TypeError: of ours',
      'temporary refusal: TypeError: of ours',
    ])
  })
})
