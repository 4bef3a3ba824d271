// A lane: the calls to SES that share one pace, those of one AWS account in one region. The queue's column `region` holds
// its name: `123456789012/eu-west-1`, or `eu-west-1` where no accounts are configured. Every view shows that name.

export interface Lane {
  /** The account's number, of 12 digits. Undefined: the account of the usual credentials. */
  account?: string
  region: string
}

export function laneName({ account, region }: Lane): string {
  return account === undefined ? region : `${account}/${region}`
}

export function parseLane(name: string): Lane {
  const [, account, region] = /^(\d{12})\/(.+)$/.exec(name) ?? []
  return account === undefined || region === undefined ? { region: name } : { account, region }
}
