// Elements with text. All text goes in as text: a name from a results file can never become markup.

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  for (const child of children) made.append(child);
  return made;
}

function setText(id, text) {
  document.getElementById(id).textContent = text;
}

function fillSection(id, ...children) {
  document.getElementById(id).replaceChildren(...children);
}
