// Facts about the database of a shared queue, and about the rights of this program in it. Plain data.

export interface DatabaseFacts {
  /** `PostgreSQL 17.2`. */
  product: string
  isAurora: boolean
  isRds: boolean
  login: string
  /** The version of TLS. Undefined: the connection isn't encrypted. */
  tls?: string
  roundTripMs: number
  /** The time by which this host's clock is ahead of the database's. */
  skewMs: number
  synchronousCommit: string
  /** `sync_state` of each standby; null: this login may not know. */
  standbys: (string | null)[]
  /** Connections that are left to logins like this one. */
  mostConnections: number
  /** The age of the longest transaction of others that this login may know, in seconds. */
  longestTransactionS: number
  /** `transaction`: two connections share one of the server's. `unknown`: something is between that changes ports. */
  pooler: 'none' | 'transaction' | 'unknown'
  /** May make a schema, or tables and functions in it. */
  canCreate: boolean
  /** Undefined: there are no tables that this program can work with. */
  schema?: SchemaFacts
  /** The reason why there are no such tables. */
  schemaFault?: string
}

export interface SchemaFacts {
  version: number
  /** Tables and functions for which a right is missing. */
  forbidden: string[]
  /** Hosts that told of themselves in the last minute. */
  hosts: number
  /** Undefined: a bounce can be added. It was rolled back. */
  addFault?: string
}
