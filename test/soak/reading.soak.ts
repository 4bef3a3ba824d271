// A million mutated mails: three minutes of CPU time. `npm run fuzz`; `FUZZ_SEED=1 npm run fuzz`

process.env['FUZZ_MAILS'] ??= '1000000'
// other mails each time; a failure names its seed
process.env['FUZZ_SEED'] ??= String(Date.now() % 1e9)
require('../mail/fuzz.test')
