// Mean experts over the grid.

registerFigure({
  id: 'experts-map', title: 'Mean experts by α and max k',
  missing: results => gridRuns(results).length > 0 ? '' : 'These results hold no grid.',
  caption: results => {
    const runs = gridRuns(results), lowest = alphas(runs)[0], highest = alphas(runs)[alphas(runs).length - 1];
    const at = alpha => rangeText(runs.filter(run => run.policy.alpha === alpha).map(run => run.mean_experts), 2);
    return 'Each cell is the mean number of experts a token and layer; a stronger colour means more, and a row that changes little from ' +
        `left to right says that max k hardly matters. Here it is ${at(lowest)} at α ${lowest} and ${at(highest)} at α ${highest}.`;
  },
  draw: (results, target) => plotGridMap(results, target, run => run.mean_experts, value => fixed(value, 2), 'mean experts')
});
