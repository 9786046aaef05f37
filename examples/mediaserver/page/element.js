// element makes one with a text, which is never taken for HTML, and with properties.
export function element(tag, text = "", properties = {}) {
  const e = document.createElement(tag);
  e.textContent = text;
  return Object.assign(e, properties);
}
