/** Fly's regions: the city and the country's flag in flags.svg. */
const REGIONS = new Map([
  ["ams", ["Amsterdam", "nl"]],
  ["arn", ["Stockholm", "se"]],
  ["bom", ["Mumbai", "in"]],
  ["cdg", ["Paris", "fr"]],
  ["dfw", ["Dallas", "us"]],
  ["ewr", ["Secaucus", "us"]],
  ["fra", ["Frankfurt", "de"]],
  ["gru", ["São Paulo", "br"]],
  ["iad", ["Ashburn", "us"]],
  ["jnb", ["Johannesburg", "za"]],
  ["lax", ["Los Angeles", "us"]],
  ["lhr", ["London", "gb"]],
  ["nrt", ["Tokyo", "jp"]],
  ["ord", ["Chicago", "us"]],
  ["sin", ["Singapore", "sg"]],
  ["sjc", ["San Jose", "us"]],
  ["syd", ["Sydney", "au"]],
  ["yyz", ["Toronto", "ca"]],
  ["local", ["This machine", "none"]],
]);

/**
 * A region as people know it. A code that is not known here is its own name.
 * @param {string} code
 * @returns {{code: string, city: string, flag: string}} `flag` is a symbol's name in flags.svg
 */
export function regionOf(code) {
  const [city, flag] = REGIONS.get(code) ?? [code, "none"];
  return { code, city, flag };
}
