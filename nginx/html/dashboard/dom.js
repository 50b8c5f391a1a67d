// Elements made from text alone: nothing here, and nothing anywhere else, parses markup.
const SVG = "http://www.w3.org/2000/svg";

// Drawn on a grid of 24, as lines.
const ICONS = {
  calendar: "M4 6.5h16v13H4zM4 10.5h16M8 3.5v4M16 3.5v4M8 14h2M14 14h2",
  check: "M4.5 12.5l5 5 10-11",
  key: "M8 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 12h9M20 12v3.5M16 12v2.5",
  clock: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM12 7.5v5l3.5 2",
  alert: "M12 4L2.8 20h18.4zM12 10v4.5M12 17.2v.1",
  info: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM12 11v5.5M12 7.6v.1",
  offline: "M3 9.5a13 13 0 0 1 5-3M21 9.5a13 13 0 0 0-8.5-3.8M6.5 13.5a8 8 0 0 1 4-2.1M17.5 13.5a8 8 0 0 0-2-1.4M12 18.5v.1M4 3.5l16 17",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 9.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5z",
  pen: "M4 20l1-4.5L16 4.5l3.5 3.5-11 11zM13.5 7l3.5 3.5",
  shield: "M12 3l7.5 2.800V11c0 4.800-3.200 8.200-7.5 10-4.300-1.800-7.5-5.200-7.5-10V5.800zM8.5 12l2.5 2.5 4.5-5",
  close: "M6 6l12 12M18 6L6 18",
};

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  const attributes = { class: "icon", viewBox: "0 0 24 24", fill: "none", stroke: "currentColor",
    "stroke-width": "2", "stroke-linecap": "round", "stroke-linejoin": "round",
    "aria-hidden": "true", focusable: "false" };

  for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, value);
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

// An address that may be broken where a reader would break it.
export function breakable(text) {
  return text.match(/[^@.]*[@.]?/g).flatMap((piece) => [piece, document.createElement("wbr")]);
}

// An attribute that is a function is an event's listener; null and false leave one out.
export function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);

  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(key, value);
    else if (value !== null && value !== false) node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}
