// Names beside which a secret stands: of environment variables, of members of JSON, of assignments in a text.

/** Kinds of keys that are secret. A name that is only `key` says nothing. */
const keys =
  /(?:api|access|secret|private|encryption|signing|account|auth|master|service|storage|subscription|consumer|shared|sharedaccess|webhook|deploy|admin|license|bot|app)key$/
/** Of environment variables, whose values are settings and seldom anything else, every other key is. */
const openKeys =
  /(?:public|publishable|site|cache|primary|foreign|partition|sort|routing|idempotency|group|object|host|hot|index|map|row)key$/
/** Tokens that say where to read on, and those of texts. */
const openTokens =
  /(?:page|next|cursor|continuation|continue|sync|prev|previous|start|end|first|last|marker|delta|skip|resume|progress|change|watch|stream|eos|bos|pad|unk|sep|cls|mask|stop|special|added|max|min|per|prompt|completion|input|output|cancel|cancellation|concurrency|public)token$/
const others = /(?:secret|password|passwd|passphrase|credentials?|authorization)$|(?:db|user|admin|root|smtp|ftp|mysql|pg|redis|mail)pass$/
/** The working folder is called so too. */
const pwd = /(?:^|[a-z])pwd$/

/** How a name stands in what was read: as it is, separators and all. */
export function isTelling(name: string): boolean {
  const plain = name.replace(/[_.-]/g, '').toLowerCase()
  if (plain.endsWith('key')) return keys.test(plain) || (isEnvironmental(name) && name.includes('_') && !openKeys.test(plain))
  if (plain.endsWith('token')) return !openTokens.test(plain)
  if (pwd.test(plain)) return name !== 'PWD' && name !== 'OLDPWD'
  return others.test(plain)
}

/** Written as variables of the environment are. */
export function isEnvironmental(name: string): boolean {
  return /^[A-Z][A-Z0-9_]*$/.test(name)
}

/** Whether a name whose last byte is at `last` may be a telling one: most names are told apart by their last letters. */
export function mayBeTelling(b: Uint8Array, last: number): boolean {
  if (last < 2) return false
  const wanted = endings[threeTo(b, last)] as number
  return wanted !== 0 && (wanted === anything || (last >= 5 && wanted === threeTo(b, last - 3) + 2))
}

/** Three bytes in the five bits that letters differ in, of either case. */
export function threeTo(b: Uint8Array, last: number): number {
  return (((b[last - 2] as number) & 31) << 10) | (((b[last - 1] as number) & 31) << 5) | ((b[last] as number) & 31)
}

const anything = 1
/** By the last three letters: 0, `anything`, or the three before them and 2. */
const endings = new Uint16Array(32_768)
for (const end of [
  'key',
  'token',
  'secret',
  'password',
  'passwd',
  'pwd',
  'passphrase',
  'pass',
  'credential',
  'credentials',
  'authorization',
]) {
  const bytes = Buffer.from(end)
  endings[threeTo(bytes, bytes.length - 1)] = bytes.length < 6 ? anything : threeTo(bytes, bytes.length - 4) + 2
}
