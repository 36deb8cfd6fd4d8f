#pragma once
// What numpy's globals mean in a pickle. Source: numpy's ndarray.__reduce__ and __reduce_ex__,
// dtype.__reduce__.

#include "pickle_graph.h"

namespace bhroute::calibration::pickle {

/// Faults, with the name, unless it is one of the few that are allowed.
Callable find_global(std::string_view module, std::string_view name);

/// What `callable(*args)` would return.
Node* call(Graph& graph, Callable callable, const Nodes& args);

/// What `object.__setstate__(state)` would do, for arrays and data types.
void set_state(Graph& graph, Node& object, const Node& state);

}  // namespace bhroute::calibration::pickle
