/**
 * An element with a class and children. Text becomes text nodes, never markup: what an alert says is shown, not run.
 * @param {string} name
 * @param {string} className
 * @param {...(Node|string|undefined)} children
 */
export function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children.filter((child) => child !== undefined));
  return made;
}
