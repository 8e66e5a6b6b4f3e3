// Formats as far as two readers of them cannot differ: what is surely no e-mail address, what surely is one.

interface Format {
  /** Every text of the format looks like this. */
  readonly shape: RegExp
  readonly samples: readonly string[]
}

const formats: Readonly<Record<string, Format>> = {
  email: { shape: /^[^@]+@[^@]+$/, samples: ['a@example.com', 'someone.else@example.org'] },
  date: { shape: /^\d{4}-\d\d-\d\d$/, samples: ['1999-12-31', '1970-01-01'] },
  time: { shape: /^\d\d:\d\d/, samples: ['10:20:30Z'] },
  'date-time': { shape: /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d/, samples: ['1999-12-31T10:20:30Z'] },
  duration: { shape: /^[-+]?P/, samples: ['P1D', 'PT5M'] },
  uri: { shape: /^[A-Za-z][A-Za-z0-9+.-]*:/, samples: ['https://example.com/a', 'urn:a:b'] },
  url: { shape: /^[A-Za-z][A-Za-z0-9+.-]*:/, samples: ['https://example.com/a'] },
  uuid: {
    shape: /^(urn:uuid:)?[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/,
    samples: ['123e4567-e89b-42d3-a456-426614174000'],
  },
  ipv4: { shape: /^\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}$/, samples: ['192.0.2.1'] },
  ipv6: { shape: /^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*$/, samples: ['2001:db8::1'] },
  hostname: { shape: /^[A-Za-z0-9.-]+$/, samples: ['example.com'] },
}

function known(format: string): Format | undefined {
  return Object.hasOwn(formats, format) ? formats[format] : undefined
}

/** Undefined where readers may differ. */
export function fitsFormat(format: string, text: string): boolean | undefined {
  const found = known(format)
  if (found === undefined) return undefined
  if (found.samples.includes(text)) return true
  return found.shape.test(text) ? undefined : false
}

export function samplesOf(format: string): readonly string[] {
  return known(format)?.samples ?? []
}
