#pragma once
// The objects that a pickle makes while it is read. They live in one arena, so that structures that
// contain themselves leak nothing and deep ones are destroyed without recursion; the values that
// the caller gets are made from them at the end.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "bhroute/calibration/pickle.h"

namespace bhroute::calibration::pickle {

/// Thrown inside the reader only; read_pickle makes an Error of it.
struct Fault {
  std::string what, got, want;
};
[[noreturn]] void fault(std::string what, std::string got = "", std::string want = "");

struct Node;
using Nodes = std::vector<Node*>;

/// The globals that may appear.
enum class Callable { reconstruct, ndarray, dtype, scalar, frombuffer, encode, bytes };

struct Bytes {
  std::string_view view;
};
struct List {
  Nodes items;
};
struct Tuple {
  Nodes items;
};
struct Dict {
  Nodes items;
};  ///< key, value, key, value, ...
struct Dtype {
  bool is_float32;
};
struct Array {
  std::unique_ptr<PickleArray> value;
};  ///< nullptr until its state has come

struct Node {
  std::variant<PickleNone, bool, std::int64_t, double, std::string_view, Bytes, List, Tuple, Dict,
               Callable, Dtype, Array>
      object;
  PicklePtr value = nullptr;  ///< what convert() made of it
  std::size_t weight = 0;     ///< values under it, shared ones counted each time
  int height = 0;             ///< levels of containers under it
  bool open = false;          ///< convert() is inside it: to meet it again is a loop
};

/// The arena. Text and bytes are views of the input or of text kept here.
class Graph {
 public:
  /// `input_size` bounds what arrays and encoded text may come to in all: shared bytes must not be
  /// multiplied.
  explicit Graph(std::size_t input_size) : array_budget_(input_size), text_budget_(input_size) {}

  template <class T>
  Node* make(T object) {
    charge_object();
    return &nodes_.emplace_back(Node{std::move(object)});
  }
  std::string_view keep(std::string text);
  void charge_object();
  void charge_array(std::size_t num_bytes);

 private:
  std::deque<Node> nodes_;
  std::deque<std::string> texts_;
  std::size_t num_objects_ = 0, array_budget_, text_budget_;
};

/// The finished value: refuses loops, more than 64 levels, shared parts that would unfold beyond a
/// bound, and objects that are no data (a bare global, a data type, an array without its state).
PicklePtr convert(Node* root);

/// The word for an object in messages: "int", "str", "numpy.dtype", ...
std::string_view type_name(const Node& node);

}  // namespace bhroute::calibration::pickle
