// Tokens for mail that is released from the quarantine, as rows: the release may reach another host than the command ran
// on. Times are the database's.

import { digestOf, newReleaseToken, type ReleaseTokens, VALID_FOR_MS } from '../../quarantine/release-token'
import type { PostgresConnection } from './connection'

/** The caller's time isn't used: hosts' clocks may differ. */
export function releaseTokens(db: PostgresConnection): ReleaseTokens {
  const table = `${db.schema}.release_token`
  const now = '(extract(epoch FROM clock_timestamp()) * 1000)::bigint'
  return {
    async issue() {
      const { token, digest } = newReleaseToken()
      await db.rows(`DELETE FROM ${table} WHERE until_ms < ${now}`)
      await db.rows(`INSERT INTO ${table} (digest, until_ms) VALUES ($1, ${now} + $2)`, [
        digest,
        VALID_FOR_MS,
      ])
      const revoke = async () => void (await db.rows(`DELETE FROM ${table} WHERE digest = $1`, [digest]))
      return { token, revoke }
    },
    async redeem(token) {
      const sql = `DELETE FROM ${table} WHERE digest = $1 RETURNING until_ms >= ${now} AS valid`
      const [row] = await db.rows(sql, [digestOf(token)])
      return row?.['valid'] === true
    },
  }
}
