// Something that the configuration names and that is not there, or that may not be meant so.
export interface Lack {
  readonly server: string
  /** For example `servers.files.cwd`. */
  readonly key: string
  readonly what: string
  readonly mend: string
  /** A failure stops the server for sure; a doubt may be meant so. */
  readonly severity: 'failure' | 'doubt'
}
