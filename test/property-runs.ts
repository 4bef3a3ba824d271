// How often a costly property is tried: less in `npm test`, and as often as it takes to find rare faults in the soak.

/** Set by test/soak/properties.soak.ts. */
const TIMES = Number(process.env['PROPERTY_TIMES'] ?? 1)

export function propertyRuns(runs: number): number {
  return runs * TIMES
}
