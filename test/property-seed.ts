// Loaded before all tests (.mocharc.json). Properties try the same data in each run: none fails by chance, and what a
// failure was seen with is tried again. The soak tries other data.   PROPERTY_SEED=123 npx mocha FILE

import fc from 'fast-check'

/** Any number would do; with it the properties were seen to hold. */
const SEED = 1

fc.configureGlobal({ seed: Number(process.env['PROPERTY_SEED'] ?? SEED) })
