/** What the simulated e-mail providers accept as an address; real services are stricter. */
export const isAddress = (text: string) => /^[^\s@"(),:;<>[\\\]]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$/.test(text) && text.length <= 254;

export const localPart = (address: string) => address.slice(0, Math.max(0, address.lastIndexOf("@"))).toLowerCase();
