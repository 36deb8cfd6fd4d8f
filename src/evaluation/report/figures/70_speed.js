// Speed against quality.

function timed(results) {
  return results.runs.filter(run => isNumber(run.tokens_per_second) && isNumber(run.loss));
}

const KINDS = [['fixed', 'static', isFixed], ['tuned', 'tuned', run => run.marking === 'tuned'],
               ['rival rules', 'rival', run => run.marking === 'rival'], ['other adaptive', 'accent', () => true]];

function kindOf(run) {
  return KINDS.findIndex(([, , test]) => test(run));
}

function draw(results, target) {
  const traces = KINDS.map(([name, colour], index) => {
    const runs = timed(results).filter(run => kindOf(run) === index);
    return {
      name, type: 'scatter', mode: 'markers', x: runs.map(run => run.tokens_per_second), y: runs.map(run => run.loss),
      marker: {size: 9, color: cssColour(colour)}, hovertext: runs.map(run => String(run.name).replace(/[<>&]/g, ' ')),
      hovertemplate: '%{hovertext}: %{x:.0f} tokens/s, %{y:.3f} nats<extra></extra>'
    };
  }).filter(trace => trace.x.length > 0);
  plot(target, traces, {
    height: narrow(target) ? 460 : 420, xaxis: axis('tokens a second', {rangemode: 'tozero'}), yaxis: axis('loss (nats a token)')
  });
}

function caption(results) {
  const runs = timed(results), own = baseline(results);
  const fastest = runs.reduce((a, b) => b.tokens_per_second > a.tokens_per_second ? b : a);
  return 'Right is faster and down is better. Speeds are single measurements of this run of the sweep, side by side with whatever else ' +
      `the machine did. The fastest is ${fastest.name} with ${fixed(fastest.tokens_per_second, 0)} tokens a second` +
      (own && isNumber(own.tokens_per_second) ? `; the model's own routing has ${fixed(own.tokens_per_second, 0)}.` : '.');
}

registerFigure({
  id: 'speed', title: 'Speed against quality', caption, draw,
  missing: results => timed(results).length > 0 ? '' : 'These results hold no speeds.'
});
