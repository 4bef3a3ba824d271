import { SUITES } from '../../bench/main'
import { canBeRun } from '../bench-support'

/** Their policies take seconds to make. */
describe('the benchmarks with large policies', function () {
  canBeRun(SUITES.filter(({ name }) => name !== 'hostile'))
})
