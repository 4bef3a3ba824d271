// A million mutated mails: six minutes of CPU time. `npm run fuzz`; `FUZZ_SEED=1 npm run fuzz`

process.env['FUZZ_MAILS'] ??= '1000000'
require('../mail/fuzz.test')
