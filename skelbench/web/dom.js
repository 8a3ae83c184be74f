"use strict";
// Elements are made of text alone: nothing from the data is ever taken for markup.
const SVG = "http://www.w3.org/2000/svg";
const DATA = JSON.parse(document.getElementById("data").textContent);
const COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C510A", "#6A51A3"];

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") Object.assign(element.style, value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  for (const child of children.flat(3)) {
    if (child !== null && child !== undefined && child !== false) element.append(child);
  }
  return element;
}

function make(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function draw(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function number(value) {
  if (value === null || value === undefined) return "";
  return Math.abs(value) >= 1000 ? value.toLocaleString("en") : String(Number(value.toPrecision(4)));
}

function copier(text, what) {
  const button = make("button", { type: "button", onclick: () => copy(text, button) }, "Copy " + what);
  return button;
}

function copy(text, button) {
  const area = make("textarea", { style: { position: "fixed", opacity: "0" } });
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy"); // works in a file opened from disk, too
  area.remove();
  button.focus();
  button.textContent = done ? "Copied" : "Select the text and copy it";
}

function runAddress(name) {
  return "#run=" + encodeURIComponent(name);
}
