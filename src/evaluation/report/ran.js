// What ran: every fact of the results file that is not a measurement, in groups as the file has them.

const FACT_LABELS = {
  'model/name': 'Name', 'model/num_experts': 'Experts a layer', 'model/top_k': 'Its own top k',
  'model/moe_layers': 'MoE layers', 'windows': 'Windows', 'window': 'Tokens a window', 'score': 'Scored',
  'command': 'Command',
};
const GROUP_LABELS = {model: 'Model', text: 'Text', table: 'Calibration', tables: 'Calibration', versions: 'Versions'};
const SCORE_WORDS = {second_half: 'second half of each window', all: 'every position'};
// Shown in sections of their own, or of no interest to a reader.
const NOT_FACTS = ['runs', 'notes', 'units', 'others', 'check'];
const MACHINE_KEY = /sha256|path|command|hash/;

function isGroup(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

// Leaves of a nested object as [key, value]; a list of plain values is one leaf.
function flatten(value, key, found = []) {
  if (value === null || value === undefined || value === '') return found;
  if (Array.isArray(value) && value.every(item => typeof item !== 'object')) found.push([key, listText(value)]);
  else if (typeof value === 'object')
    for (const [name, inner] of Object.entries(value)) flatten(inner, `${key}/${name}`, found);
  else found.push([key, value]);
  return found;
}

// 0, 1, ..., 15 is told by its ends.
function listText(values) {
  const isRun = values.length > 3 && values.every((value, index) => value === values[0] + index);
  return isRun ? `${values[0]} to ${values[values.length - 1]}` : values.join(', ');
}

function factText(key, value) {
  if (key === 'score') return SCORE_WORDS[value] || String(value);
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return isNumber(value) && Number.isInteger(value) ? integer(value) : String(value);
}

function sentenceCase(words) {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

// The keys of versions are names of programs and stay as they are.
function factLabel(key) {
  const [group, ...inGroup] = key.split('/');
  if (FACT_LABELS[key] || group === 'versions') return FACT_LABELS[key] || inGroup.join(' ');
  const words = (inGroup.length > 0 ? inGroup : [group]).join(', ').replace(/_/g, ' ').replace('sha256', 'SHA-256')
      .replace('p value', 'p-value').replace(/^num /, '');
  return sentenceCase(words);
}

function factGroup(title, facts) {
  const definitions = element('dl', {class: 'facts'});
  for (const [key, value] of facts)
    definitions.append(element('dt', {}, factLabel(key)),
                       element('dd', MACHINE_KEY.test(key) ? {class: 'code'} : {}, factText(key, value)));
  return element('div', {class: 'fact-group'}, element('h3', {}, title), definitions);
}

function knownFirst(a, b) {
  const order = Object.keys(FACT_LABELS);
  const rank = ([key]) => order.includes(key) ? order.indexOf(key) : order.length;
  return rank(a) - rank(b);
}

// Several things of a kind, e.g. the tables of two nulls, are a group each.
function groupsOf(title, key, value) {
  const inner = Object.entries(value);
  if (inner.length > 0 && inner.every(([, each]) => isGroup(each)))
    return inner.flatMap(([name, each]) => groupsOf(`${title} “${name}”`, key, each));
  return [[title, flatten(value, key).sort(knownFirst)]];
}

function factGroups(results) {
  const entries = Object.entries(results).filter(([key]) => !NOT_FACTS.includes(key));
  const rank = ([key]) => [...Object.keys(GROUP_LABELS), key].indexOf(key);
  const groups = entries.filter(([, value]) => isGroup(value)).sort((a, b) => rank(a) - rank(b))
      .flatMap(([key, value]) => groupsOf(GROUP_LABELS[key] || sentenceCase(key), key, value));
  const loose = entries.filter(([, value]) => !isGroup(value)).flatMap(([key, value]) => flatten(value, key));
  return [...groups, ['Run', loose.sort(knownFirst)]].filter(([, facts]) => facts.length > 0);
}

function showRan(results) {
  const parts = [element('div', {class: 'fact-groups'}, ...factGroups(results).map(group => factGroup(...group)))];
  const notes = Array.isArray(results.notes) ? results.notes : [];
  if (notes.length > 0) parts.push(element('ul', {class: 'notes'}, ...notes.map(note => element('li', {}, String(note)))));
  fillSection('ran-facts', ...parts);
}
