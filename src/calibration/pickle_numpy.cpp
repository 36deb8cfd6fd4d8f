#include "pickle_numpy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "bhroute/core/decode_values.h"

namespace bhroute::calibration::pickle {
namespace {

constexpr std::size_t kMaxRank = 32;
constexpr std::string_view kDtypes = "f4 or f8, little-endian";

struct Global {
  std::string_view module, name;
  Callable callable;
};

// Twice where numpy 2 renamed a module.
constexpr std::array kGlobals = {
    Global{"numpy.core.multiarray", "_reconstruct", Callable::reconstruct},
    Global{"numpy._core.multiarray", "_reconstruct", Callable::reconstruct},
    Global{"numpy.core.multiarray", "scalar", Callable::scalar},
    Global{"numpy._core.multiarray", "scalar", Callable::scalar},
    Global{"numpy.core.numeric", "_frombuffer", Callable::frombuffer},
    Global{"numpy._core.numeric", "_frombuffer", Callable::frombuffer},
    Global{"numpy", "ndarray", Callable::ndarray},
    Global{"numpy", "dtype", Callable::dtype},
    Global{"_codecs", "encode", Callable::encode},
    Global{"__builtin__", "bytes", Callable::bytes},
};

// A hostile name must not write control characters to a terminal.
std::string printable(std::string_view text) {
  std::string out;
  for (char c : text.substr(0, 100)) out += c >= 0x20 && c < 0x7f ? c : '?';
  return out;
}

template <class T>
const T& as(const Node& node, const char* what) {
  const T* object = std::get_if<T>(&node.object);
  if (object == nullptr) fault(fmt::format("wrong type of {}", what), std::string(type_name(node)));
  return *object;
}

void want_size(const Nodes& items, std::size_t min, std::size_t max, const char* what) {
  if (items.size() < min || items.size() > max)
    fault(fmt::format("wrong number of parts of {}", what), std::to_string(items.size()),
          std::to_string(max));
}

Dtype make_dtype(const Nodes& args) {
  want_size(args, 1, 3, "a numpy.dtype");
  std::string_view code = as<std::string_view>(*args[0], "a numpy.dtype's code");
  if (code.starts_with('<') || code.starts_with('=')) code.remove_prefix(1);
  if (code != "f4" && code != "f8")
    fault("numpy data type not allowed", printable(code), std::string(kDtypes));
  return Dtype{code == "f4"};
}

// (3, byte order, subarray, names, fields, itemsize, alignment, flags)
void set_dtype_state(const Nodes& state) {
  want_size(state, 8, 8, "a numpy.dtype's state");
  const auto order = as<std::string_view>(*state[1], "a numpy.dtype's byte order");
  if (order != "<" && order != "=" && order != "|")
    fault("numpy byte order not allowed", printable(order), std::string(kDtypes));
  for (std::size_t i : {2, 3, 4}) as<PickleNone>(*state[i], "a numpy.dtype's fields");
}

std::vector<std::size_t> make_shape(const Node& node) {
  const Nodes& items = as<Tuple>(node, "a numpy shape").items;
  if (items.size() > kMaxRank)
    fault("numpy array of too many dimensions", std::to_string(items.size()),
          fmt::format("at most {}", kMaxRank));
  std::vector<std::size_t> shape;
  for (const Node* item : items) {
    const std::int64_t extent = as<std::int64_t>(*item, "a numpy shape's extent");
    if (extent < 0) fault("negative numpy extent", std::to_string(extent));
    shape.push_back(static_cast<std::size_t>(extent));
  }
  return shape;
}

void check_size(std::span<const std::size_t> shape, std::size_t item_size, std::size_t num_bytes) {
  const std::size_t limit = num_bytes / item_size;
  std::size_t count = 1;
  bool fits = true;
  for (std::size_t extent : shape) {
    fits = fits && (extent == 0 || count <= limit / extent);
    count = fits ? count * extent : 0;
  }
  // An empty array's other extents may be as large as they like.
  if (std::find(shape.begin(), shape.end(), 0u) != shape.end()) fits = true;
  if (!fits || count * item_size != num_bytes)
    fault("numpy array's data differs from its shape", fmt::format("{} bytes", num_bytes));
}

std::unique_ptr<PickleArray> make_array(Graph& graph, const Node& shape, const Node& dtype,
                                        bool fortran, const Node& bytes) {
  PickleArray array;
  const Dtype type = as<Dtype>(dtype, "a numpy array's data type");
  const std::string_view data = as<Bytes>(bytes, "a numpy array's data").view;
  array.shape = make_shape(shape);
  array.is_float32 = type.is_float32;
  if (fortran && array.shape.size() > 1)
    fault("numpy order not allowed", "Fortran order", "C order");
  check_size(array.shape, type.is_float32 ? 4 : 8, data.size());
  graph.charge_array(data.size());
  array.values = decode_floats<double>(data, type.is_float32);
  return std::make_unique<PickleArray>(std::move(array));
}

bool truth(const Node& node) {
  if (const auto* number = std::get_if<std::int64_t>(&node.object)) return *number != 0;
  return as<bool>(node, "a numpy array's order");
}

Node* reconstruct(Graph& graph, const Nodes& args) {
  want_size(args, 3, 3, "numpy's _reconstruct");
  if (as<Callable>(*args[0], "a numpy array's class") != Callable::ndarray)
    fault("numpy class not allowed", "", "numpy.ndarray");
  return graph.make(Array{});
}

// (version, shape, dtype, is_fortran, data)
void set_array_state(Graph& graph, Array& array, const Nodes& state) {
  want_size(state, 5, 5, "a numpy array's state");
  if (array.value) fault("numpy array given its data twice");
  array.value = make_array(graph, *state[1], *state[2], truth(*state[3]), *state[4]);
}

// (data, dtype, shape, order), and in newer versions the axes' order, None here
Node* from_buffer(Graph& graph, const Nodes& args) {
  want_size(args, 4, 5, "numpy's _frombuffer");
  const auto order = as<std::string_view>(*args[3], "a numpy array's order");
  if (order != "C" && order != "F") fault("numpy order not allowed", printable(order), "C or F");
  if (args.size() == 5) as<PickleNone>(*args[4], "a numpy array's axes");
  return graph.make(Array{make_array(graph, *args[2], *args[1], order == "F", *args[0])});
}

Node* make_scalar(Graph& graph, const Nodes& args) {
  want_size(args, 2, 2, "a numpy scalar");
  const Dtype dtype = as<Dtype>(*args[0], "a numpy scalar's data type");
  const std::string_view data = as<Bytes>(*args[1], "a numpy scalar's data").view;
  check_size({}, dtype.is_float32 ? 4 : 8, data.size());
  return graph.make(decode_floats<double>(data, dtype.is_float32).front());
}

// Protocol 2 has no bytes: they come as the text whose code points are the bytes.
std::string latin1(std::string_view utf8) {
  std::string bytes;
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    const auto lead = static_cast<unsigned char>(utf8[i]);
    if (lead < 0x80) {
      bytes += utf8[i];
      continue;
    }
    const unsigned next = i + 1 < utf8.size() ? static_cast<unsigned char>(utf8[++i]) : 0;
    if ((lead != 0xc2 && lead != 0xc3) || (next & 0xc0) != 0x80) fault("text is not latin1");
    bytes += static_cast<char>((lead & 3) << 6 | (next & 0x3f));
  }
  return bytes;
}

Node* encode(Graph& graph, const Nodes& args) {
  want_size(args, 2, 2, "_codecs.encode");
  const auto codec = as<std::string_view>(*args[1], "a codec");
  if (codec != "latin1") fault("codec not allowed", printable(codec), "latin1");
  const auto text = as<std::string_view>(*args[0], "encoded text");
  return graph.make(Bytes{graph.keep(latin1(text))});
}

// Protocol 2 writes b"" as a call without arguments.
Node* empty_bytes(Graph& graph, const Nodes& args) {
  want_size(args, 0, 0, "bytes()");
  return graph.make(Bytes{});
}

}  // namespace

Callable find_global(std::string_view module, std::string_view name) {
  for (const Global& global : kGlobals)
    if (global.module == module && global.name == name) return global.callable;
  fault("global not allowed in a pickle", printable(module) + "." + printable(name),
        "numpy arrays and scalars of float32 or float64");
}

Node* call(Graph& graph, Callable callable, const Nodes& args) {
  switch (callable) {
    case Callable::reconstruct:
      return reconstruct(graph, args);
    case Callable::dtype:
      return graph.make(make_dtype(args));
    case Callable::scalar:
      return make_scalar(graph, args);
    case Callable::frombuffer:
      return from_buffer(graph, args);
    case Callable::encode:
      return encode(graph, args);
    case Callable::bytes:
      return empty_bytes(graph, args);
    case Callable::ndarray:
      break;
  }
  fault("call not allowed in a pickle", "numpy.ndarray");
}

void set_state(Graph& graph, Node& object, const Node& state) {
  if (std::holds_alternative<Dtype>(object.object))
    return set_dtype_state(as<Tuple>(state, "a state").items);
  if (auto* array = std::get_if<Array>(&object.object))
    return set_array_state(graph, *array, as<Tuple>(state, "a state").items);
  fault("state not allowed in a pickle", std::string(type_name(object)),
        "numpy arrays and data types");
}

}  // namespace bhroute::calibration::pickle
