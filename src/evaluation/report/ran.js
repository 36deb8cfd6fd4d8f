// What ran: every fact of the results file that is not a measurement, known ones first and in plain words.

const FACT_LABELS = {
  'model.name': 'Model', 'model.architecture': 'Architecture', 'model.num_experts': 'Experts a layer',
  'model.top_k': 'Experts a token, by the model', 'model.path': 'Model file', 'model.sha256': 'Model file, SHA-256',
  'text.path': 'Text', 'text.sha256': 'Text, SHA-256', 'windows': 'Windows', 'window': 'Tokens a window',
  'score': 'Scored', 'command': 'Command',
};
const SCORE_WORDS = {second_half: 'second half of each window', all: 'every position'};
// Shown in sections of their own, or of no interest to a reader.
const NOT_FACTS = ['runs', 'notes', 'units'];
const MACHINE_KEY = /sha256|path|command|hash/;

function flatten(value, key, found) {
  if (value === null || value === undefined) return found;
  if (Array.isArray(value) && value.every(item => typeof item !== 'object')) found.push([key, value.join(', ')]);
  else if (typeof value === 'object')
    for (const [name, inner] of Object.entries(value)) flatten(inner, key ? `${key}.${name}` : name, found);
  else found.push([key, value]);
  return found;
}

function factText(key, value) {
  if (key === 'score') return SCORE_WORDS[value] || String(value);
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return isNumber(value) && Number.isInteger(value) ? integer(value) : String(value);
}

function factLabel(key) {
  if (FACT_LABELS[key]) return FACT_LABELS[key];
  const words = key.replace(/[._]/g, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function facts(results) {
  const kept = Object.fromEntries(Object.entries(results).filter(([key]) => !NOT_FACTS.includes(key)));
  const order = Object.keys(FACT_LABELS);
  const rank = ([key]) => order.includes(key) ? order.indexOf(key) : order.length;
  return flatten(kept, '', []).sort((a, b) => rank(a) - rank(b));
}

function showRan(results) {
  const definitions = element('dl', {class: 'facts'});
  for (const [key, value] of facts(results))
    definitions.append(element('dt', {}, factLabel(key)),
                       element('dd', MACHINE_KEY.test(key) ? {class: 'code'} : {}, factText(key, value)));
  const parts = [definitions];
  const notes = Array.isArray(results.notes) ? results.notes : [];
  if (notes.length > 0) parts.push(element('ul', {class: 'notes'}, ...notes.map(note => element('li', {}, String(note)))));
  fillSection('ran-facts', ...parts);
}
