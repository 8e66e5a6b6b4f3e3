// What the names of members say: whether one tells of an error, comes with one, or only tells of the answer and is none of it. Names are
// compared without case, `_` and `-`, by their numbers, so that no string is made of them.

export type NameKind = 'error' | 'errors' | 'flag' | 'status' | 'message' | 'envelope' | 'count' | 'meta'

const table: Readonly<Record<NameKind, string>> = {
  error: 'error err exception fault errorcode errormessage errormsg errortype errordescription iserror failure',
  errors: 'errors',
  flag: 'success ok succeeded successful',
  status: 'status statuscode code httpstatus httpcode',
  message: 'message msg detail details description reason title text errorsummary hint',
  // What stands in an error beside its words.
  envelope:
    'type instance traceid traceback stack stacktrace trace timestamp path requestid correlationid documentationurl helpurl moreinfo errorid errorname errorkey ' +
    'extensions locations jsonrpc id subcode errorsubcode fbtraceid cause causedby innererror class name retryafter retryable warnings meta ' +
    'url method date time version apiversion help link links reference support category severity exitcode errno syscall hostname port address',
  count:
    'count total totalcount totalhits totalresults totalrows totalrecords totalitems rowcount numresults numrows numfound nhits hits matches length n resultcount returned found numberofresults value',
  // What is asked, and how the answer was made.
  meta:
    'query q search filter filters sort sortby order orderby page pages pagenumber pagecount pageindex totalpages pagesize perpage limit offset size start skip from to cursor ' +
    'nextcursor nextpagetoken nextpage previouspage next previous prev first last hasmore hasnext hasnextpage haspreviouspage isend pageinfo pagination ' +
    'paging links meta metadata took tookms duration durationms elapsed elapsedms executiontime querytime time timestamp asof generatedat fetchedat timedout ' +
    'shards columns fields headers schema status statuscode code success ok message msg error errors warnings version apiversion requestid traceid jsonrpc ' +
    'object url kind etag relation maxscore truncated complete incompleteresults typename self href note hint cached source unit units timezone ' +
    'endcursor startcursor responseheader params limitreached iserror language lang locale encoding mimetype contenttype',
}

const hashPrime = 0x01000193
const hashStart = 0x811c9dc5 | 0
/** Longer names are none of these. */
const longest = 24

/** Of a name without case, `_` and `-`. */
export function looseHash(b: Uint8Array, at: number, end: number): number {
  if (end - at > longest) return 0
  let hash = hashStart
  for (let i = at; i < end; i += 1) {
    let c = b[i] as number
    if (c === 0x5f || c === 0x2d) continue
    if (c >= 0x41 && c <= 0x5a) c += 0x20
    hash = Math.imul(hash ^ c, hashPrime)
  }
  return hash
}

function hashesOf(names: string): ReadonlySet<number> {
  return new Set(
    names.split(' ').map((name) => {
      const bytes = Buffer.from(name)
      return looseHash(bytes, 0, bytes.length)
    }),
  )
}

export const errorNames = hashesOf(table.error)
export const errorsName = hashesOf(table.errors)
export const flagNames = hashesOf(table.flag)
export const statusNames = hashesOf(table.status)
export const messageNames = hashesOf(table.message)
export const envelopeNames = hashesOf(`${table.envelope} ${table.message} ${table.status} ${table.flag}`)
export const countNames = hashesOf(table.count)
export const metaNames = hashesOf(table.meta)
export const dataName = hashesOf('data result')
/** What an answer is wrapped in. */
export const wrapperNames = hashesOf('result data response output body payload results')
/** Of the one member of structured content that is the text which the tool gives. */
export const textNames = hashesOf('result content text output response answer')
/** A name with which an error begins, by its first letter: most members are passed by it. */
export const mayTrigger = new Uint8Array(256)
for (const name of `${table.error} ${table.errors} ${table.flag} ${table.status}`.split(' ')) {
  mayTrigger[name.charCodeAt(0)] = 1
  mayTrigger[name.toUpperCase().charCodeAt(0)] = 1
}
