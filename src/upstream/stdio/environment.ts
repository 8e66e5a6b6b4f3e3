// The environment of a child: an allow-list of ours and what its settings give it. Nothing else of the gateway leaks (R33): no keys, no
// proxies, no NODE_OPTIONS.

const posix: ReadonlySet<string> = new Set(['HOME', 'LOGNAME', 'PATH', 'SHELL', 'TERM', 'USER', 'LANG', 'TMPDIR', 'TZ'])

const windows: ReadonlySet<string> = new Set([
  'APPDATA',
  'COMSPEC',
  'HOMEDRIVE',
  'HOMEPATH',
  'LOCALAPPDATA',
  'PATH',
  'PATHEXT',
  'PROCESSOR_ARCHITECTURE',
  'PROGRAMFILES',
  'SYSTEMDRIVE',
  'SYSTEMROOT',
  'TEMP',
  'TMP',
  'TZ',
  'USERNAME',
  'USERPROFILE',
  'WINDIR',
])

type Environment = Readonly<Record<string, string | undefined>>

/** `own` is the gateway's environment, `given` the settings' `env`, which wins. */
export function childEnvironment(own: Environment, given: Readonly<Record<string, string>>, platform: string): Record<string, string> {
  const environment: Record<string, string> = {}
  for (const [name, value] of Object.entries(own)) {
    // Values that begin so are exported shell functions (CVE-2014-6271).
    if (value === undefined || value.startsWith('()') || !allowed(name, platform)) continue
    environment[name] = value
  }
  return { ...environment, ...given }
}

function allowed(name: string, platform: string): boolean {
  if (platform === 'win32') return windows.has(name.toUpperCase())
  return posix.has(name) || name.startsWith('LC_')
}
