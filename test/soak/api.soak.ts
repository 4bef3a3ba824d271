process.env['FUZZ_RUNS'] = '10000'

/** As in `npm test`, with more requests. `FUZZ_SEED=1 npm run test:soak` */
require('../http/fuzz.test')
