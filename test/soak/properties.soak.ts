// The costly properties, twenty times as often as in `npm test`. `PROPERTY_TIMES=100 npm run test:soak`

process.env['PROPERTY_TIMES'] ??= '20'
require('../mail/proof.test')
