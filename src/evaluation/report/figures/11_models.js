// Loss against mean experts of every model at hand: how far a rule gets alone, and how far with training.

const MODEL_COLOURS = ['accent', 'warm', 'unselected', 'rival'];

function plainName(text) {
  return String(text).replace(/[<>&]/g, ' ');
}

function curveTrace(results, index) {
  const mass = staticRuns(results, 'mass');
  const runs = mass.length > 1 ? mass : staticRuns(results);
  return {
    name: `${plainName(modelName(results))}, fixed`, type: 'scatter', mode: 'lines+markers', x: runs.map(run => run.mean_experts),
    y: runs.map(run => run.loss), line: {color: cssColour(MODEL_COLOURS[index % 4]), width: 2}, marker: {size: 6},
    hovertext: runs.map(run => plainName(run.name)), hovertemplate: '%{hovertext}: %{y:.3f} nats at %{x:.2f} experts<extra></extra>'
  };
}

function ruleTrace(results, index) {
  const runs = results.runs.filter(run => isAdaptive(run) && (run.marking === 'tuned' || run.marking === 'rival'));
  return {
    name: `${plainName(modelName(results))}, adaptive`, type: 'scatter', mode: 'markers', x: runs.map(run => run.mean_experts),
    y: runs.map(run => run.loss), hovertext: runs.map(run => plainName(run.name)),
    hovertemplate: '%{hovertext}: %{y:.3f} nats at %{x:.2f} experts<extra></extra>',
    marker: {
      size: runs.map(run => run.marking === 'tuned' ? 15 : 8), color: cssColour(MODEL_COLOURS[index % 4]),
      symbol: runs.map(run => run.marking === 'tuned' ? 'star' : 'x'), line: {width: 1, color: cssColour('surface')}
    }
  };
}

function referenceLine(loss) {
  return {type: 'line', xref: 'paper', x0: 0, x1: 1, y0: loss, y1: loss, line: {color: cssColour('soft'), width: 1.5, dash: 'dot'}};
}

// The steep part, where hardly any expert is left, would press the rest flat.
function inSight(all, own) {
  const losses = all.flatMap(results => results.runs).filter(run => run.mean_experts >= 1.9).map(run => run.loss);
  return [Math.min(...losses) - 0.05, own + 0.6 * (Math.max(own + 0.5, Math.min(...losses) + 1) - own) + 0.3];
}

function draw(results, target) {
  const all = [results, ...results.others], own = baseline(results).loss;
  const traces = all.flatMap((each, index) => [curveTrace(each, index), ruleTrace(each, index)]).filter(trace => trace.x.length > 0);
  plot(target, traces, {
    height: narrow(target) ? 520 : 480, shapes: [referenceLine(own)],
    annotations: [{xref: 'paper', x: 1, y: own, xanchor: 'right', yanchor: 'bottom', showarrow: false,
                   text: `own routing of ${plainName(modelName(results))}`, font: {color: cssColour('soft')}}],
    xaxis: axis('mean experts a token and layer', {range: [1.7, 10.3]}), yaxis: axis('loss (nats a token)', {range: inSight(all, own)})
  });
}

// As the verdict has it: the interval of the paired difference does not lie above 0.
function notWorse(results, run) {
  const first = results.runs.includes(run);
  const low = first ? run.loss_difference_low : run.reference_difference_low;
  return isNumber(low) && low <= 0;
}

function cheapest(results, model) {
  return model.runs.filter(run => run.role === 'baseline' && model === results || notWorse(results, run))
      .reduce((a, b) => !a || b.mean_experts < a.mean_experts ? b : a, undefined);
}

function caption(results) {
  const all = [results, ...results.others], own = baseline(results);
  const found = all.map(model => [model, cheapest(results, model)]).filter(([, run]) => run)
      .map(([model, run]) => `${modelName(model)} needs ${fixed(run.mean_experts, 2)} experts (${run.name})`);
  return 'Lines are fixed numbers of experts with the router mass kept, crosses rival rules, stars policies tuned for a budget; the ' +
      `dotted line is ${modelName(results)}'s own routing, ${fixed(own.loss, 3)} nats at ${fixed(own.mean_experts, 2)} experts. ` +
      (found.length > 0 ? `Not to be worse than that, ${list(found)}.` : '');
}

registerFigure({
  id: 'models', title: 'Loss against mean experts, model by model', caption, draw,
  missing: results => !baseline(results) ? 'These results hold no run of the model\'s own routing.'
      : results.runs.filter(isFixed).length < 2 ? 'These results hold no fixed numbers of experts beside the own one.' : ''
});
