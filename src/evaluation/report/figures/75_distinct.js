// Distinct experts against batch size: what a batch has to read.

function batched(results) {
  return results.runs.filter(run => (run.distinct_experts || []).length > 1);
}

// Few enough to tell apart: the model's own routing, fixed counts near the tuned one, the tuned ones, one of each variant.
function shown(results) {
  const runs = batched(results), grid = gridRuns(results), maxK = referenceMaxK(grid);
  const wanted = run => run.role === 'baseline' || run.marking === 'tuned' ||
      run.marking === 'static' && [4, 6].includes(policyOf(run).k) && weightsOf(run) === 'native' ||
      ['renormalized', 'unselected', ''].includes(run.marking || '') && policyOf(run).alpha === 0.2 && policyOf(run).max_k === maxK;
  const found = runs.filter(wanted);
  return found.length > 0 ? found : runs.slice(0, 6);
}

const DASHES = ['solid', 'dash', 'dot', 'dashdot'];
const LINE_COLOURS = ['static', 'accent', 'warm', 'unselected', 'tuned', 'rival'];

function draw(results, target) {
  const traces = shown(results).map((run, index) => {
    const colour = cssColour(LINE_COLOURS[index % LINE_COLOURS.length]);
    return {
      name: plotLabel(run.name, narrow(target) ? 28 : Infinity), type: 'scatter', mode: 'lines+markers', x: run.distinct_experts.map(each => each.batch),
      y: run.distinct_experts.map(each => each.experts), line: {color: colour, width: 2, dash: DASHES[Math.floor(index / 6) % 4]},
      marker: {size: 6, color: colour}, hovertemplate: '%{x} tokens: %{y:.1f} experts<extra></extra>'
    };
  });
  const batches = traces[0].x;
  plot(target, traces, {
    height: narrow(target) ? 560 : 460, xaxis: axis('tokens of different sequences in a batch', {type: 'log', tickvals: batches, ticktext: batches.map(String)}),
    yaxis: axis('distinct experts a layer', {rangemode: 'tozero'})
  });
}

function caption(results) {
  const run = baseline(results) && shown(results).includes(baseline(results)) ? baseline(results) : shown(results)[0];
  const last = run.distinct_experts[run.distinct_experts.length - 1];
  return 'A layer reads the weights of every expert that any token of its batch selects, so this, not the mean, sets the cost of ' +
      `generating for many users at once. With ${run.name} a batch of ${last.batch} tokens needs ${fixed(last.experts, 1)} experts a ` +
      `layer, ${fixed(last.experts / last.batch, 1)} a token.`;
}

registerFigure({
  id: 'distinct', title: 'Distinct experts against batch size', caption, draw,
  missing: results => batched(results).length > 0 ? '' : 'These results hold no counts of distinct experts in batches.'
});
