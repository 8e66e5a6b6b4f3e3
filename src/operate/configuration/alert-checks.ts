// What the production profile refuses of those who are told of incidents.
import type { Settings } from '../../assembly/settings.ts'
import { holdsToken } from '../../core/secrets/secret-address.ts'
import { error, type Finding, type Path } from '../../platform/config/index.ts'
import { bareHost, isLoopback } from '../../platform/net/loopback.ts'

/** `inline`: as of `productionFindings`. */
export function alertFindings({ alerts }: Settings, inline: (path: Path) => boolean): Finding[] {
  const found: Finding[] = []
  /** One stands as it is, several in a list; a webhook stands by itself or with its secret. */
  const placesOf = (key: string, at: number): readonly Path[] => {
    const each: Path[] = [
      ['alerts', key, at],
      ['alerts', key],
    ]
    return [...each, ...each.map((path) => [...path, 'url'])]
  }
  const addresses = [
    ...alerts.webhook.map(({ url }, at) => ({ key: 'webhook', url, at, isSecret: holdsToken(url), isClear: true })),
    ...alerts.slack.map((url, at) => ({ key: 'slack', url, at, isSecret: true, isClear: true })),
    // Within a cluster they have no certificate.
    ...alerts.alertmanager.map((url, at) => ({ key: 'alertmanager', url, at, isSecret: holdsToken(url), isClear: holdsToken(url) })),
  ]
  for (const { key, url, at, isSecret, isClear } of addresses) {
    const places = placesOf(key, at)
    const { protocol, hostname } = new URL(url)
    if (isClear && protocol === 'http:' && !isLoopback(bareHost(hostname))) {
      const what = 'what is told, and the secret of its address, would cross the network in clear text'
      found.push(error(places.find(inline) ?? ['alerts', key], what, 'use https; the production profile refuses http beyond this machine'))
    }
    const place = isSecret ? places.find(inline) : undefined
    if (place === undefined) continue
    const what = 'is an address that is a secret, which stands in the file for everybody who reads it or its history'
    found.push(error(place, what, 'give it by reference: `${env:NAME}` or `${file:PATH}`'))
  }
  for (const [at] of alerts.webhook.entries()) {
    const place = [
      ['alerts', 'webhook', at, 'secret'],
      ['alerts', 'webhook', 'secret'],
    ].find(inline)
    if (place === undefined) continue
    const what = 'is a secret that stands in the file, for everybody who reads it or its history'
    found.push(error(place, what, 'give it by reference: `${env:NAME}` or `${file:PATH}`'))
  }
  return found
}
