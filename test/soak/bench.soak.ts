import { SUITES } from '../../bench/main'
import { canBeRun } from '../bench-support'

/** Their policies take seconds to make, their Harakas seconds to start. */
describe('the benchmarks with large policies, and those of whole processes', function () {
  canBeRun(SUITES.filter(({ name }) => name !== 'hostile'))
})
