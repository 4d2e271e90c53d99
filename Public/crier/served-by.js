/**
 * Which VM served a page, and in which region, as the server wrote it on the page's `html` element. A page that came from elsewhere, with
 * the placeholders still in it, names none.
 * @param {Document} document
 * @returns {{vm?: string, region?: string}}
 */
export function servedBy(document) {
  const { vm, region } = document.documentElement.dataset;
  return { ...(isFilled(vm) && { vm }), ...(isFilled(region) && { region }) };
}

const isFilled = (value) => typeof value === "string" && value !== "" && !value.includes("{{");
