// Puts a JSON text on one line, as SSE data and stdio frames need it.

const newline = 0x0a
const carriage = 0x0d

/**
 * JSON text without line breaks. In valid JSON a raw line break is only ever space between tokens, so each becomes a blank; text
 * without any is returned as it is.
 */
export function oneLine(json: Buffer): Buffer {
  if (json.indexOf(newline) < 0 && json.indexOf(carriage) < 0) return json
  const copy = Buffer.from(json)
  for (let i = 0; i < copy.length; i += 1) if (copy[i] === newline || copy[i] === carriage) copy[i] = 0x20
  return copy
}
