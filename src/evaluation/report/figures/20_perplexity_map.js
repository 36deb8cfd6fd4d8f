// Perplexity over the grid.

registerFigure({
  id: 'perplexity-map', title: 'Perplexity by α and max k',
  missing: results => gridRuns(results).length > 0 ? '' : 'These results hold no grid.',
  caption: results => {
    const runs = gridRuns(results);
    const best = runs.reduce((a, b) => b.perplexity < a.perplexity ? b : a);
    const own = baseline(results);
    return 'Each cell is one configuration of the grid; a stronger colour means a higher perplexity, which is worse. The lowest is ' +
        `${perplexityText(best.perplexity)}, at α ${parameterText(best.policy.alpha)} and max k ${best.policy.max_k}` +
        (own ? `; the model's own routing has ${perplexityText(own.perplexity)}.` : '.');
  },
  draw: (results, target) => plotGridMap(results, target, run => run.perplexity, perplexityText, 'perplexity')
});
