// Addresses in texts: hosts of URLs, of e-mail addresses, and host names by themselves.

/** Hosts, in lower case. */
export function addressesIn(text: string): string[] {
  const found = new Set<string>()
  for (const pattern of patterns) {
    for (const match of text.matchAll(pattern)) {
      const host = match[1]?.toLowerCase().replace(/\.+$/, '')
      if (host === undefined || host === '' || isNobodys(host)) continue
      // Next.js and Customer.io are names of products.
      if (pattern !== bare || !/^\p{Lu}[^.]*\.[^.]*$/u.test(match[1] ?? '')) found.add(host)
    }
  }
  return [...found]
}

const label = '[\\p{L}\\p{N}](?:[\\p{L}\\p{N}-]{0,61}[\\p{L}\\p{N}])?'
/** Of names that are no file names: `index.js` and `README.md` are addresses too, to who asks. */
const endings =
  'com|net|org|io|dev|app|ai|co|example|xyz|info|ru|cn|de|uk|eu|us|site|online|cloud|gg|cc|tk|ml|top|biz|tech|page|link|click|live|space|store|pw|onion'

const bare = new RegExp(`(?<![\\p{L}\\p{N}.@/_-])((?:${label}\\.){1,5}(?:${endings}))(?![\\p{L}\\p{N}_(-])`, 'giu')

const patterns: readonly RegExp[] = [
  /\b(?:https?|wss?|ftp|ssh|s3|tcp):\/\/(?:[^\s/@"'<>`]{1,200}@)?\[?([^\s/:?#)"'<>`\]|\\]{1,253})/giu,
  /[\w.+-]{1,64}@([\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){1,5})/giu,
  bare,
  /(?<![\d.])(\d{1,3}(?:\.\d{1,3}){3})(?!\.?\d)/g,
]

/** Placeholders, names for documentation, and the machine itself. */
function isNobodys(host: string): boolean {
  return (
    /^(?:localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|::1|(?:.+\.)?example\.(?:com|net|org)|(?:.+\.)?(?:localhost|local|test|invalid))$/.test(
      host,
    ) || /[{}$*]/.test(host)
  )
}

/** Names under which strangers stand side by side. */
const shared = new Set([
  ...['github.io', 'gitlab.io', 'vercel.app', 'netlify.app', 'herokuapp.com', 'pages.dev', 'workers.dev', 'web.app', 'firebaseapp.com'],
  ...['azurewebsites.net', 'cloudfront.net', 'amazonaws.com', 'appspot.com', 'ngrok.io', 'ngrok.app', 'blogspot.com', 'fly.dev'],
  ...['co.uk', 'co.jp', 'com.au', 'com.br', 'com.cn', 'onrender.com', 'railway.app', 'glitch.me', 'repl.co', 'r2.dev'],
])

/** The same host, one below it, or a sibling below the same name of their owner. */
export function isKnownAddress(host: string, known: readonly string[]): boolean {
  return known.some((one) => host === one || host.endsWith(`.${one}`) || (owner(host) !== undefined && owner(host) === owner(one)))
}

function owner(host: string): string | undefined {
  const labels = host.split('.')
  if (labels.length < 2 || /^[\d.]+$/.test(host)) return undefined
  const two = labels.slice(-2).join('.')
  if (!shared.has(two)) return two
  return labels.length < 3 ? undefined : labels.slice(-3).join('.')
}
