// The table of all configurations.

function withError(text, error) {
  const cell = document.createDocumentFragment();
  cell.append(text);
  if (error !== DASH) cell.append(element('span', {class: 'error'}, ' ± ' + error));
  return cell;
}

function withInterval(text, low, high) {
  const cell = document.createDocumentFragment();
  cell.append(text);
  if (isNumber(low) && isNumber(high)) cell.append(element('span', {class: 'error'}, ` [${signed(low, 4)}, ${signed(high, 4)}]`));
  return cell;
}

function distinctAt(run, batch) {
  const found = (run.distinct_experts || []).find(each => each.batch === batch);
  return found && found.experts;
}

function markText(run) {
  return run.role === 'baseline' ? 'baseline' : run.marking || run.role;
}

function markBadge(run) {
  return MARKINGS.includes(run.marking) ? element('span', {class: 'badge'}, run.marking) : markText(run);
}

function number(label, title, key, show) {
  return {label, title, value: run => run[key], show: run => show(run[key])};
}

function policyNumber(label, title, key) {
  const value = run => isAdaptive(run) ? policyOf(run)[key] : undefined;
  return {label, title, value, show: run => parameterText(value(run))};
}

// A fixed number is always at its bounds, which says nothing.
function boundShare(label, title, key) {
  const value = run => isAdaptive(run) ? run[key] : undefined;
  return {label, title, value, show: run => percent(value(run))};
}

const CONFIGURATION_COLUMNS = [
  {label: 'Configuration', title: 'Name of the configuration', value: run => run.name, show: run => run.name},
  {label: 'Kind', title: 'Baseline, grid, or what sets it beside the grid', value: markText, show: markBadge, left: true},
  policyNumber('α', 'Target false discovery rate; a dial, no guarantee, wherever min k adds experts', 'alpha'),
  policyNumber('max\u00a0k', 'Most experts a token may have in a layer', 'max_k'),
  {
    label: 'Perplexity', title: 'Perplexity ± standard error', value: run => run.perplexity,
    show: run => withError(perplexityText(run.perplexity), perplexityText(run.perplexity_se))
  },
  {
    label: 'Loss', title: 'Loss in nats per scored token ± standard error', value: run => run.loss,
    show: run => withError(fixed(run.loss, 3), fixed(run.loss_se, 3))
  },
  {
    label: 'Δ loss', title: 'Loss minus the baseline\'s in nats, paired by token, ± standard error',
    value: run => run.loss_difference,
    show: run => run.role === 'baseline' ? DASH : withError(signed(run.loss_difference, 3), fixed(run.loss_difference_se, 3))
  },
  {
    label: 'Δ static', title: 'Loss minus that of a fixed number of experts at the same mean in nats, with its 95 % interval',
    value: run => run.static_difference,
    show: run => isAdaptive(run) ? withInterval(signed(run.static_difference, 4), run.static_difference_low, run.static_difference_high) : DASH
  },
  number('KL', 'Divergence of the output from that of the model\'s own routing, nats', 'kl', value => fixed(value, 3)),
  number('Top-1 agreement', 'Share of tokens whose most likely next token is that of the model\'s own routing',
         'top1_agreement', percent),
  number('Mean experts', 'Mean experts a token and layer', 'mean_experts', value => fixed(value, 2)),
  number('SD', 'Standard deviation of the experts a token and layer', 'sd_experts', value => fixed(value, 2)),
  {
    label: 'Min–max', title: 'Fewest and most experts a token and layer', value: run => run.max_experts,
    show: run => isNumber(run.min_experts) ? `${run.min_experts}–${run.max_experts}` : DASH
  },
  boundShare('At floor', 'Share of choices that took min k experts', 'floor_share'),
  boundShare('At ceiling', 'Share of choices that took max k experts', 'ceiling_share'),
  number('FLOPs', 'Arithmetic of router and experts relative to the model\'s own top k', 'relative_flops',
         value => percent(value, 0)),
  number('Kept mass', 'Router mass of the selected experts over that of the own top k', 'retained_mass', percent),
  number('Overlap', 'Share of the model\'s own top k that is selected', 'top_k_overlap', percent),
  number('Gini', 'Gini coefficient of the experts\' tokens, mean over layers', 'gini', value => fixed(value, 2)),
  {
    label: 'Distinct, 32', title: 'Different experts a layer that a batch of 32 tokens of different sequences needs',
    value: run => distinctAt(run, 32), show: run => fixed(distinctAt(run, 32), 1)
  },
  number('Tokens/s', 'Tokens a second', 'tokens_per_second', value => fixed(value, 0)),
  number('ms/token', 'Milliseconds a token', 'ms_per_token', value => fixed(value, 2)),
];

function rowClass(run) {
  return run.role === 'baseline' ? 'baseline' : MARKINGS.includes(run.marking) ? run.marking : 'grid';
}

function showConfigurations(results) {
  setText('configurations-note',
      'Each header sorts the table; a second press turns the order round. Coloured edges mark the rows beside the ' +
      'grid: renormalized weights, the null “unselected”, static numbers of experts, rival rules and tuned policies. A choice is ' +
      'one token in one layer. α is the target of the false discovery rate, and min k breaks that claim: the experts it adds ' +
      'were not found significant.');
  const tables = [results, ...results.others].map(each => {
    const table = sortableTable(`All configurations of ${modelName(each)}`, CONFIGURATION_COLUMNS, each.runs, rowClass);
    return results.others.length > 0 ? [element('h3', {}, modelName(each)), table] : [table];
  });
  fillSection('configurations-table', ...tables.flat());
}
