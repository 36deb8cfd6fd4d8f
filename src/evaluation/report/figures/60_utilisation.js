// Which experts are used, layer by layer.

// Share of a layer's tokens that selected each expert.
function expertUse(layer) {
  const tokens = total(layer.histogram || []);
  const uses = layer.utilisation || [];
  const scale = tokens > 0 ? tokens : Math.max(1, total(uses));
  return uses.map(count => 100 * count / scale);
}

function draw(results, target, run) {
  const layers = layersOf(run);
  const trace = {
    type: 'heatmap', y: layers.map(layer => String(layer.layer)), z: layers.map(expertUse), colorscale: DENSE_SCALE,
    zmin: 0, colorbar: {title: {text: '% of tokens', side: 'right'}, thickness: 12, outlinewidth: 0,
                        ...(narrow(target) ? {orientation: 'h', y: -0.28, title: {text: '% of tokens', side: 'bottom'}} : {})},
    hovertemplate: 'layer %{y}, expert %{x}: %{z:.1f} % of the tokens<extra></extra>'
  };
  plot(target, [trace], {
    height: 170 + 18 * layers.length + (narrow(target) ? 60 : 0), xaxis: axis('expert', {showgrid: false}),
    yaxis: axis('layer', {type: 'category', showgrid: false, autorange: 'reversed', ...(narrow(target) ? {nticks: 8} : {})})
  });
}

function caption(results, run) {
  const cells = layersOf(run).flatMap(layer => expertUse(layer).map((share, expert) => ({share, expert, layer: layer.layer})));
  const most = cells.reduce((a, b) => b.share > a.share ? b : a);
  const unused = cells.filter(cell => cell.share === 0).length;
  return 'Each cell is the share of tokens that selected an expert in a layer; an even row means that all experts are ' +
      `wanted alike. The busiest is expert ${most.expert} of layer ${most.layer}, with ${fixed(most.share, 1)} % of the ` +
      `tokens; ${unused} of ${cells.length} are never selected.`;
}

registerFigure({
  id: 'utilisation', title: 'Expert utilisation', caption, draw, choices: runsWithUtilisation,
  missing: results => runsWithUtilisation(results).length > 0 ? '' : 'These results hold no utilisation of experts.'
});
