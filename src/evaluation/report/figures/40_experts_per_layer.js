// Mean experts in each layer.

function hasLayers(run) {
  return layersOf(run).length > 0 && layersOf(run).every(layer => isNumber(layer.mean_experts));
}

function shown(results) {
  const grid = gridRuns(results).filter(hasLayers), beside = markedRuns(results, 'unselected').filter(hasLayers);
  return {grid: atMaxK(grid, referenceMaxK(grid)), beside: atMaxK(beside, referenceMaxK(beside))};
}

function layerTrace(run, all, name, dash, symbol) {
  const layers = layersOf(run), colour = alphaColour(all, run.policy.alpha);
  return {
    name: `${name}, α ${parameterText(run.policy.alpha)}`, type: 'scatter', mode: 'lines+markers',
    x: layers.map(layer => layer.layer), y: layers.map(layer => layer.mean_experts),
    line: {color: colour, width: 2, dash}, marker: {size: 6, color: colour, symbol},
    hovertemplate: `${name}, α ${parameterText(run.policy.alpha)}, layer %{x}: %{y:.2f} experts<extra></extra>`
  };
}

function draw(results, target) {
  const {grid, beside} = shown(results);
  const all = alphas([...grid, ...beside]);
  const traces = [
    ...grid.map(run => layerTrace(run, all, 'grid', 'solid', 'circle')),
    ...beside.map(run => layerTrace(run, all, '“unselected”', 'dot', 'circle-open'))
  ];
  plot(target, traces, {
    height: narrow(target) ? 520 : 460, xaxis: axis('layer', {dtick: narrow(target) ? 3 : 1}),
    yaxis: axis('mean experts a token', {rangemode: 'tozero'})
  });
}

function extremes(run) {
  const layers = [...layersOf(run)].sort((a, b) => a.mean_experts - b.mean_experts);
  const low = layers[0], high = layers[layers.length - 1];
  return `${fixed(low.mean_experts, 2)} (layer ${low.layer}) to ${fixed(high.mean_experts, 2)} (layer ${high.layer})`;
}

function caption(results) {
  const {grid, beside} = shown(results);
  const one = [...grid, ...beside].find(run => run.policy.alpha === 0.05) || [...grid, ...beside][0];
  const other = beside.find(run => run.policy.alpha === one.policy.alpha && run !== one);
  return `Each line is one α at max k ${one.policy.max_k}; a flat line spends alike in every layer. At α ` +
      `${parameterText(one.policy.alpha)} the layers range from ${extremes(one)}` +
      (other ? `, and with the null “unselected” from ${extremes(other)}.` : '.');
}

registerFigure({
  id: 'experts-per-layer', title: 'Experts per layer', caption, draw,
  missing: results => shown(results).grid.length + shown(results).beside.length > 0
      ? '' : 'These results hold no counts by layer.'
});
