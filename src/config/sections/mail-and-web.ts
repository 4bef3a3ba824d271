// The tables of [quarantine] and [http].

import { DAY, key, MINUTE } from '../key'
import { hostList } from '../list-parsers'
import { bearerToken } from '../secret'
import { mailStorePlace } from '../store-parsers'
import { duration, size } from '../value-parsers'

export const QUARANTINE = {
  store: key(
    mailStorePlace,
    'folder',
    'where mail is kept: folder, ses-bounce/ in the Haraka directory; or a bucket of S3: s3://BUCKET/PREFIX',
    {
      note: 'Also for mail that waits for its bounces. Takes effect when Haraka starts again. S3 needs the packages @aws-sdk/client-s3 and @aws-sdk/lib-storage.',
    },
  ),
  keep: key(duration({ min: MINUTE, max: 3650 * DAY }), '30d', 'how long mail is kept; then it is deleted'),
  limit: key(
    size({ min: 1024, max: 1024 ** 5 }),
    '1gb',
    'the most mail that is kept, including mail that waits for its bounces',
    { note: 'One sender may fill a tenth of it. Further mail gets [fallback] full.' },
  ),
}

export const HTTP = {
  token: key(bearerToken, '', 'bearer token of the HTTP API; empty: the API is off', {
    example: 'env:SES_BOUNCE_TOKEN',
    note: "Haraka's web server must be on: listen in config/http.ini (docs/api.md). Its digest can stand there instead: sha256:HEX.",
  }),
  hosts: key(hostList, '', 'host names under which the page and the API answer', {
    example: 'mail.example.com',
    note: 'Addresses, loopback names and the name in config/me always pass; under any other name the answer is 421.',
  }),
}
