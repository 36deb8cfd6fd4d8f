// A heat map over the grid's alphas and max_ks, the number in each cell.

function plotGridMap(results, target, value, show, what) {
  const runs = gridRuns(results), rows = alphas(runs), columns = maxKs(runs);
  const cells = rows.map(alpha => columns.map(maxK => findRun(runs, alpha, maxK)));
  const numbers = cells.map(row => row.map(run => run ? value(run) : null));
  const trace = {
    type: 'heatmap', x: columns.map(String), y: rows.map(String), z: numbers,
    text: cells.map(row => row.map(run => run ? show(value(run)) : '')), texttemplate: '%{text}', textfont: {size: 13, color: cssColour('ink')},
    colorscale: quietScale(), showscale: false, xgap: 2, ygap: 2,
    hovertemplate: `α %{y}, max k %{x}: ${what} %{text}<extra></extra>`
  };
  plot(target, [trace], {
    height: 90 + 52 * rows.length, xaxis: axis('max k', {type: 'category', showgrid: false}),
    yaxis: axis('α', {type: 'category', showgrid: false})
  });
}
