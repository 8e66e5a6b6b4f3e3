// Addresses that a peer named, before anything is done with them.

/** http or https without a user in it; nothing that a browser or a shell would run. */
export function webAddress(text: string): URL | undefined {
  if (text.length > 2_048 || !URL.canParse(text)) return undefined
  const url = new URL(text)
  return (url.protocol === 'https:' || url.protocol === 'http:') && url.username === '' && url.password === '' ? url : undefined
}
