const SVG = "http://www.w3.org/2000/svg";

/** A region's flag, for the eyes only: the city's name stands beside it. */
export function flagElement({ flag }) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "flag");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `/flags.svg#${flag}`);
  svg.append(use);
  return svg;
}
