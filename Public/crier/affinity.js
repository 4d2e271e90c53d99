/**
 * Adds to an address what asks the server's proxy for the right VM: a certain one, or any in a region. Where both are known the VM says
 * it all.
 * @param {URL} url changed in place
 * @param {{vm?: string, region?: string}} [affinity]
 * @returns {URL} the same
 */
export function asking(url, affinity) {
  if (affinity?.vm) url.searchParams.set("fly_instance_id", affinity.vm);
  else if (affinity?.region) url.searchParams.set("region", affinity.region);
  return url;
}
