// What is usual of tools, and what of a result is not: `Histories.of(key).take(seen, how)` gives the verdict. Alerts of the kind `rows` are
// often only how the data changes: they are for those who look, not to call anybody.
export { kinds } from './episode.ts'
export { deployWithinMs } from './findings.ts'
export { Histories } from './histories.ts'
export type { Deployed, HowJudged, ToolHistory, Usual } from './tool-history.ts'
