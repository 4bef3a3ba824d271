import { SUITES } from '../../bench/main'
import { canBeRun } from '../bench-support'

/** Their policies take seconds to make. */
describe('the benchmarks with large policies', function () {
  this.timeout(120_000)
  canBeRun(SUITES.filter(({ name }) => name !== 'hostile'))
})
