import assert from 'node:assert/strict'
import fc from 'fast-check'
import { RcptCommands } from '../../src/haraka/rcpt-commands'
import { cpuMs } from '../cpu-time'

interface Recipient {
  address: string
}

/** A transaction as Haraka has it, with plugins that change its recipients. */
class Transaction {
  rcptTo: Recipient[] = []
  readonly commands = new RcptCommands<Recipient>()

  /** `plugin` runs in the hooks of the command; a refused one loses the last recipient, as with Haraka. */
  rcpt(address: string, plugin: (rcptTo: Recipient[]) => void = () => undefined, isRefused = false): this {
    const recipient = { address }
    this.rcptTo.push(recipient)
    this.commands.add(recipient, address.startsWith('never'), this.rcptTo)
    plugin(this.rcptTo)
    if (isRefused) this.rcptTo.pop()
    return this
  }

  data(): this {
    this.commands.end(this.rcptTo)
    return this
  }

  /** `a > x y`: the targets x and y come from the command a; `? > z`: nobody knows. */
  found(given?: number): string[] {
    return this.commands
      .targetsIn(this.rcptTo, given)
      .map(
        ({ command, targets }) =>
          `${command?.address ?? '?'} > ${targets.map(({ address }) => address).join(' ')}`,
      )
  }
}

/** Replaces recipients like haraka-plugin-aliases. */
const alias =
  (...to: string[]) =>
  (rcptTo: Recipient[]) => {
    rcptTo.pop()
    rcptTo.push(...to.map(address => ({ address })))
  }

const inPlace = (address: string) => (rcptTo: Recipient[]) => {
  const last = rcptTo.at(-1)
  assert.ok(last)
  last.address = address
}

describe('the recipients of a transaction', () => {
  it('come from their own commands where no plugin changes them', () => {
    assert.deepEqual(new Transaction().rcpt('a').rcpt('b').data().found(), ['a > a', 'b > b'])
  })

  it('come from the command that a plugin replaced, expanded or changed in place', () => {
    const transaction = new Transaction()
      .rcpt('a', alias('x', 'y'))
      .rcpt('b', inPlace('z'))
      .rcpt('c', alias('w'))
      .data()
    assert.deepEqual(transaction.found(), ['a > x y', 'b > z', 'c > w'])
  })

  it('leave out commands that were refused, which still count', () => {
    const transaction = new Transaction()
      .rcpt('a')
      .rcpt('b', undefined, true)
      .rcpt('c', alias('x'))
      .rcpt('d', undefined, true)
      .data()
    assert.deepEqual(transaction.found(), ['a > a', 'c > x'])
    assert.equal(transaction.commands.count, 4)
  })

  it('come from the only command when a plugin puts others there later', () => {
    const transaction = new Transaction().rcpt('a').data()
    transaction.rcptTo = [{ address: 'x' }, { address: 'y' }]
    assert.deepEqual(transaction.found(), ['a > x y'])
  })

  it("can't be attributed when a plugin puts others there later, and there were several commands", () => {
    const transaction = new Transaction().rcpt('a').rcpt('b').data()
    transaction.rcptTo = [...transaction.rcptTo.slice(1), { address: 'x' }]
    assert.deepEqual(transaction.found(), ['b > b', '? > x'])
  })

  it("can't be attributed when a plugin replaces those of earlier commands", () => {
    const replaceAll = (rcptTo: Recipient[]) =>
      rcptTo.splice(0, rcptTo.length, { address: 'x' }, { address: 'y' })
    assert.deepEqual(new Transaction().rcpt('a').rcpt('b', replaceAll).data().found(), ['? > x', '? > y'])
    assert.deepEqual(new Transaction().rcpt('a').rcpt('b', replaceAll).rcpt('c').data().found(), [
      'c > c',
      '? > x',
      '? > y',
    ])
    assert.deepEqual(new Transaction().rcpt('a', replaceAll).data().found(), ['a > x y'])
  })

  it('are certain only for what stood in commands when another plugin answered one of them first', () => {
    const transaction = new Transaction().rcpt('a', alias('x')).rcpt('b').data()
    assert.deepEqual(transaction.found(3), ['b > b', '? > x'])
    const single = new Transaction().rcpt('a').data()
    single.rcptTo.push({ address: 'x' })
    assert.deepEqual(single.found(2), ['a > a', '? > x'])
  })

  it('keep NOTIFY=NEVER of their command', () => {
    const [target] = new Transaction().rcpt('never', alias('x')).data().commands.targetsIn([])
    assert.equal(target, undefined)
    const transaction = new Transaction().rcpt('never', alias('x')).rcpt('b').data()
    const found = transaction.commands.targetsIn(transaction.rcptTo)
    assert.deepEqual(
      found.map(({ command }) => command?.notifyNever),
      [true, false],
    )
  })

  it('never count as those of another command, whatever plugins do in hooks of commands', () => {
    const kind = fc.constantFrom('as it is', 'refused', 'in place', 'alias', 'dropped')
    fc.assert(
      fc.property(fc.array(fc.tuple(kind, fc.nat(3)), { maxLength: 8 }), commands => {
        const transaction = new Transaction()
        const expected: string[] = []
        for (const [at, [what, targets]] of commands.entries()) {
          const name = `c${at}`
          const names = Array.from({ length: targets }, (_, target) => `${name}.${target}`)
          if (what === 'alias' && targets > 0) transaction.rcpt(name, alias(...names))
          else if (what === 'in place') transaction.rcpt(name, inPlace(`${name}.0`))
          else if (what === 'dropped') transaction.rcpt(name, rcptTo => rcptTo.pop())
          else transaction.rcpt(name, undefined, what === 'refused')
          if (what === 'in place') expected.push(`${name} > ${name}.0`)
          else if (what === 'alias' && targets > 0) expected.push(`${name} > ${names.join(' ')}`)
          else if (what !== 'refused' && what !== 'dropped') expected.push(`${name} > ${name}`)
        }
        assert.deepEqual(transaction.data().found(), expected)
      }),
    )
  })

  it('are noted in time for a relay that gives thousands', () => {
    const tookMs = cpuMs(2000, () => {
      const transaction = new Transaction()
      for (let at = 0; at < 20_000; at++) transaction.rcpt(`user-${at}`)
      assert.equal(transaction.data().found().length, 20_000)
    })
    assert.ok(tookMs < 2000, `${tookMs} ms`)
  })
})
