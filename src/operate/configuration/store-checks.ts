// What `stores` says that cannot be meant, or that a profile refuses.

import type { Settings } from '../../assembly/settings.ts'
import { error, type Finding, type Path, warning } from '../../platform/config/index.ts'
import { isLoopback } from '../../platform/net/loopback.ts'
import { isPostgresUrl, parsePostgresUrl } from '../../platform/store/postgres/address.ts'

const path: Path = ['stores', 'durable']

/** `inline`: the text at a path stands in the file as it is, and not by reference. */
export function storeFindings(settings: Settings, inline: (path: Path) => boolean): Finding[] {
  const { durable } = settings.stores
  if (!isPostgresUrl(durable)) return []
  const address = parsePostgresUrl(durable)
  if (typeof address === 'string') {
    const [what = '', mend = 'mend the address'] = address.split('; ')
    return [error(path, what, mend)]
  }
  const { profile, stateDir, vault } = settings
  const findings: Finding[] = []
  if (stateDir === 'off' && vault.key === undefined) {
    const what = 'keeps secrets that are sealed with a key which would end with the gateway, so that nobody could read them then'
    findings.push(error(path, what, 'give `vault.key`, for example `${file:/run/secrets/vault.key}`, or a `stateDir` for the key'))
  } else if (stateDir === 'off') {
    const what = 'keeps sessions, whose key ends with the gateway since `stateDir` is `off`: clients open new ones after a restart'
    findings.push(warning(path, what, 'give a `stateDir` for the key'))
  }
  const { sslMode, sslRootCert, password, host } = address
  if (!isLoopback(host) && sslMode === 'disable' && profile === 'production') {
    const what = 'has sslmode=disable, so that what is kept would cross the network in clear text'
    findings.push(error(path, what, 'use sslmode=verify-full; the production profile refuses clear text beyond this machine'))
  }
  if (!isLoopback(host) && sslMode === 'require' && sslRootCert === undefined) {
    const what = 'has sslmode=require, so that nobody checks who the server is'
    findings.push(warning(path, what, 'use sslmode=verify-full, with sslrootcert=FILE where your own authority vouches for it'))
  }
  if (profile === 'production' && password !== '' && inline(path)) {
    const what = 'has a password that stands in the file, for everybody who reads it or its history'
    findings.push(error(path, what, 'give it by reference: `${env:NAME}` or `${file:PATH}`, the whole address or its password'))
  }
  return findings
}
