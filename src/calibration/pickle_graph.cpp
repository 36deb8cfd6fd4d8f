#include "pickle_graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace bhroute::calibration::pickle {
namespace {

constexpr int kMaxDepth = 64;
constexpr std::size_t kMaxObjects = std::size_t{1} << 20;

void visit(Node* node, int depth);

// Converts the parts of a container and sums up their weights.
std::vector<PicklePtr> parts(Node& node, const Nodes& items, int depth) {
  if (depth == kMaxDepth)
    fault("pickle nested too deep", "", fmt::format("at most {} levels", kMaxDepth));
  std::vector<PicklePtr> values;
  values.reserve(items.size());
  node.open = true;
  for (Node* item : items) {
    visit(item, depth + 1);
    node.height = std::max(node.height, item->height + 1);
    node.weight += item->weight;
    if (node.weight > kMaxObjects)
      fault("pickle unfolds to too many values", "", fmt::format("at most {}", kMaxObjects));
    values.push_back(item->value);
  }
  node.open = false;
  return values;
}

PickleDict pairs(std::vector<PicklePtr> values) {
  PickleDict dict;
  for (std::size_t i = 0; i + 1 < values.size(); i += 2)
    dict.items.emplace_back(std::move(values[i]), std::move(values[i + 1]));
  return dict;
}

struct Converter {
  Node& node;
  int depth;

  template <class T>
  PicklePtr wrap(T value) const {
    return std::make_shared<PickleValue>(PickleValue{std::move(value)});
  }
  PicklePtr operator()(PickleNone none) const { return wrap(none); }
  PicklePtr operator()(bool value) const { return wrap(value); }
  PicklePtr operator()(std::int64_t value) const { return wrap(value); }
  PicklePtr operator()(double value) const { return wrap(value); }
  PicklePtr operator()(std::string_view text) const { return wrap(std::string(text)); }
  PicklePtr operator()(Bytes bytes) const { return wrap(PickleBytes{std::string(bytes.view)}); }
  PicklePtr operator()(const List& list) const {
    return wrap(PickleList{parts(node, list.items, depth)});
  }
  PicklePtr operator()(const Tuple& tuple) const {
    return wrap(PickleTuple{parts(node, tuple.items, depth)});
  }
  PicklePtr operator()(const Dict& dict) const {
    return wrap(pairs(parts(node, dict.items, depth)));
  }
  PicklePtr operator()(Callable) const { return refuse(); }
  PicklePtr operator()(Dtype) const { return refuse(); }
  PicklePtr operator()(Array& array) const {
    if (!array.value) fault("numpy array without its data");
    return wrap(std::move(*array.value));
  }
  [[noreturn]] PicklePtr refuse() const {
    fault("not a value", std::string(type_name(node)),
          "data: dict, list, tuple, str, bytes, numbers or arrays");
  }
};

void visit(Node* node, int depth) {
  if (node->open) fault("pickle contains itself");
  if (!node->value) {
    node->weight = 1;
    node->value = std::visit(Converter{*node, depth}, node->object);
  }
  // A shared part may have been converted higher up, where it still fitted.
  if (depth + node->height > kMaxDepth)
    fault("pickle nested too deep", "", fmt::format("at most {} levels", kMaxDepth));
}

}  // namespace

void fault(std::string what, std::string got, std::string want) {
  throw Fault{std::move(what), std::move(got), std::move(want)};
}

void Graph::charge_object() {
  if (++num_objects_ > kMaxObjects)
    fault("pickle of too many objects", "", fmt::format("at most {}", kMaxObjects));
}

std::string_view Graph::keep(std::string text) {
  if (text.size() > text_budget_) fault("text larger than the pickle that holds it");
  text_budget_ -= text.size();
  return texts_.emplace_back(std::move(text));
}

void Graph::charge_array(std::size_t num_bytes) {
  if (num_bytes > array_budget_) fault("numpy arrays larger than the pickle that holds them");
  array_budget_ -= num_bytes;
}

PicklePtr convert(Node* root) {
  visit(root, 0);
  return root->value;
}

std::string_view type_name(const Node& node) {
  constexpr std::array<std::string_view, 12> kNames = {
      "None", "bool",  "int",  "float",        "str",         "bytes",
      "list", "tuple", "dict", "numpy global", "numpy.dtype", "numpy array"};
  static_assert(kNames.size() == std::variant_size_v<decltype(node.object)>);
  return kNames[node.object.index()];
}

}  // namespace bhroute::calibration::pickle
