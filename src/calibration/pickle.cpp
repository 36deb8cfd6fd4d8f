// The pickle machine: a stack, a memo and a table of opcodes. Source of the opcodes: Python's
// pickletools.
#include "bhroute/calibration/pickle.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cstring>
#include <unordered_map>

#include "pickle_graph.h"
#include "pickle_numpy.h"

namespace bhroute::calibration {
namespace pickle {
namespace {

class Machine {
 public:
  explicit Machine(std::string_view input) : input_(input), graph_(input.size()) {}

  PicklePtr run() {
    check_protocol();
    while (!finished_) step();
    if (position_ != input_.size())
      fault("bytes after the pickle's end", fmt::format("{} bytes", input_.size() - position_),
            "none");
    return convert(pop());
  }

  // The opcodes, by their names in pickletools.
  void mark() { marks_.push_back(stack_.size()); }
  void stop() { finished_ = true; }
  void pop_top() { pop(); }
  void pop_mark() { take_to_mark(); }
  void dup() { push(top()); }
  void none() { push_new(PickleNone{}); }
  template <bool value>
  void boolean() {
    push_new(value);
  }
  template <class T>
  void integer() {
    push_new(static_cast<std::int64_t>(number<T>()));
  }
  template <class Length>
  void long_integer() {
    push_new(signed_integer(sized<Length>()));
  }
  void binfloat() { push_new(std::bit_cast<double>(__builtin_bswap64(number<std::uint64_t>()))); }
  template <class Length>
  void text() {
    push_new(sized<Length>());
  }
  template <class Length>
  void bytes() {
    push_new(Bytes{sized<Length>()});
  }
  template <class T>
  void empty() {
    push_new(T{});
  }
  void tuple() { push_new(Tuple{take_to_mark()}); }
  template <std::size_t n>
  void tuple_of() {
    Nodes items(n);
    for (std::size_t i = n; i-- > 0;) items[i] = pop();
    push_new(Tuple{std::move(items)});
  }
  void append() { add<List>({pop()}, "a list"); }
  void appends() { add<List>(take_to_mark(), "a list"); }
  void setitem() {
    Node* value = pop();
    Node* key = pop();
    add<Dict>({key, value}, "a dict");
  }
  void setitems() {
    Nodes items = take_to_mark();
    if (items.size() % 2 != 0) fault("dict key without a value");
    add<Dict>(items, "a dict");
  }
  void global() {
    const std::string_view module = line();
    push_new(find_global(module, line()));
  }
  void stack_global() {
    const auto name = pop_as<std::string_view>("a global's name");
    push_new(find_global(pop_as<std::string_view>("a global's module"), name));
  }
  void reduce() {
    const Nodes args = pop_as<Tuple>("a call's arguments").items;
    push(call(graph_, pop_as<Callable>("a call's function"), args));
  }
  void build() {
    const Node* state = pop();
    set_state(graph_, *top(), *state);
  }
  template <class Index>
  void put() {
    memoize(number<Index>());
  }
  void memoize_next() { memoize(memo_.size()); }
  template <class Index>
  void get() {
    const std::uint64_t index = number<Index>();
    const auto it = memo_.find(index);
    if (it == memo_.end()) fault("pickle memo refers to nothing", std::to_string(index));
    push(it->second);
  }
  void frame() {
    const auto size = number<std::uint64_t>();
    if (size > input_.size() - position_) fault_size(size);
  }

 private:
  void step();

  void check_protocol() {
    if (!input_.starts_with('\x80')) fault("not a pickle of protocols 2 to 5");
    position_ = 1;
    const int protocol = number<std::uint8_t>();
    if (protocol < 2 || protocol > 5)
      fault("unknown pickle protocol", std::to_string(protocol), "2 to 5");
  }

  [[noreturn]] void fault_size(std::uint64_t size) {
    fault("pickle is truncated or declares a size beyond its end", fmt::format("{} bytes", size),
          fmt::format("at most the {} that follow", input_.size() - position_));
  }
  std::string_view take(std::uint64_t size) {
    if (size > input_.size() - position_) fault_size(size);
    const std::string_view bytes = input_.substr(position_, size);
    position_ += size;
    return bytes;
  }
  template <class T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }
  template <class Length>
  std::string_view sized() {
    return take(number<Length>());
  }
  std::string_view line() {
    const std::size_t end = input_.find('\n', position_);
    if (end == std::string_view::npos) fault("pickle is truncated inside a global's name");
    const std::string_view text = take(end - position_);
    ++position_;
    return text;
  }
  static std::int64_t signed_integer(std::string_view bytes) {
    if (bytes.size() > 8)
      fault("integer too large", fmt::format("{} bytes", bytes.size()), "at most 8");
    const bool negative = !bytes.empty() && (bytes.back() & 0x80) != 0;
    std::int64_t value = negative ? -1 : 0;
    if (!bytes.empty()) std::memcpy(&value, bytes.data(), bytes.size());
    return value;
  }

  // Nothing below the innermost mark may be touched.
  std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
  Node* top() {
    if (stack_.size() <= floor()) fault("pickle stack is empty");
    return stack_.back();
  }
  Node* pop() {
    Node* node = top();
    stack_.pop_back();
    return node;
  }
  void push(Node* node) { stack_.push_back(node); }
  template <class T>
  void push_new(T object) {
    push(graph_.make(std::move(object)));
  }
  template <class T>
  const T& pop_as(const char* what) {
    const Node* node = pop();
    if (const T* object = std::get_if<T>(&node->object)) return *object;
    fault(fmt::format("wrong type of {}", what), std::string(type_name(*node)));
  }
  Nodes take_to_mark() {
    if (marks_.empty()) fault("pickle has no mark");
    const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    Nodes items(first, stack_.end());
    stack_.erase(first, stack_.end());
    marks_.pop_back();
    return items;
  }
  template <class T>
  void add(const Nodes& items, const char* what) {
    T* container = std::get_if<T>(&top()->object);
    if (container == nullptr)
      fault(fmt::format("pickle adds to what is not {}", what), std::string(type_name(*top())));
    container->items.insert(container->items.end(), items.begin(), items.end());
  }
  // By index in a map: a huge index costs no more than a small one.
  void memoize(std::uint64_t index) {
    graph_.charge_object();
    memo_[index] = top();
  }

  std::string_view input_;
  std::size_t position_ = 0;
  Graph graph_;
  Nodes stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint64_t, Node*> memo_;
  bool finished_ = false;
};

struct Opcode {
  const char* name = nullptr;
  void (Machine::*run)() = nullptr;  // nullptr = refused
};

using Opcodes = std::array<Opcode, 256>;
using M = Machine;

struct Code {
  unsigned char code;
  Opcode opcode;
};

constexpr Code kStructure[] = {
    {'(', {"MARK", &M::mark}},
    {'.', {"STOP", &M::stop}},
    {'0', {"POP", &M::pop_top}},
    {'1', {"POP_MARK", &M::pop_mark}},
    {'2', {"DUP", &M::dup}},
    {']', {"EMPTY_LIST", &M::empty<List>}},
    {')', {"EMPTY_TUPLE", &M::empty<Tuple>}},
    {'}', {"EMPTY_DICT", &M::empty<Dict>}},
    {'t', {"TUPLE", &M::tuple}},
    {0x85, {"TUPLE1", &M::tuple_of<1>}},
    {0x86, {"TUPLE2", &M::tuple_of<2>}},
    {0x87, {"TUPLE3", &M::tuple_of<3>}},
    {'a', {"APPEND", &M::append}},
    {'e', {"APPENDS", &M::appends}},
    {'s', {"SETITEM", &M::setitem}},
    {'u', {"SETITEMS", &M::setitems}},
    {'c', {"GLOBAL", &M::global}},
    {0x93, {"STACK_GLOBAL", &M::stack_global}},
    {'R', {"REDUCE", &M::reduce}},
    {'b', {"BUILD", &M::build}},
    {'q', {"BINPUT", &M::put<std::uint8_t>}},
    {'r', {"LONG_BINPUT", &M::put<std::uint32_t>}},
    {0x94, {"MEMOIZE", &M::memoize_next}},
    {'h', {"BINGET", &M::get<std::uint8_t>}},
    {'j', {"LONG_BINGET", &M::get<std::uint32_t>}},
    {0x95, {"FRAME", &M::frame}},
};

constexpr Code kValues[] = {
    {'N', {"NONE", &M::none}},
    {0x88, {"NEWTRUE", &M::boolean<true>}},
    {0x89, {"NEWFALSE", &M::boolean<false>}},
    {'K', {"BININT1", &M::integer<std::uint8_t>}},
    {'M', {"BININT2", &M::integer<std::uint16_t>}},
    {'J', {"BININT", &M::integer<std::int32_t>}},
    {'G', {"BINFLOAT", &M::binfloat}},
    {0x8a, {"LONG1", &M::long_integer<std::uint8_t>}},
    {0x8b, {"LONG4", &M::long_integer<std::uint32_t>}},
    {0x8c, {"SHORT_BINUNICODE", &M::text<std::uint8_t>}},
    {'X', {"BINUNICODE", &M::text<std::uint32_t>}},
    {0x8d, {"BINUNICODE8", &M::text<std::uint64_t>}},
    {'C', {"SHORT_BINBYTES", &M::bytes<std::uint8_t>}},
    {'B', {"BINBYTES", &M::bytes<std::uint32_t>}},
    {0x8e, {"BINBYTES8", &M::bytes<std::uint64_t>}},
    {0x96, {"BYTEARRAY8", &M::bytes<std::uint64_t>}},
};

// Known by name only: they make objects of classes, look outside, or belong to protocols 0 and 1.
constexpr Code kRefused[] = {
    {'P', {"PERSID"}},
    {'Q', {"BINPERSID"}},
    {'i', {"INST"}},
    {'o', {"OBJ"}},
    {0x81, {"NEWOBJ"}},
    {0x92, {"NEWOBJ_EX"}},
    {0x82, {"EXT1"}},
    {0x83, {"EXT2"}},
    {0x84, {"EXT4"}},
    {0x97, {"NEXT_BUFFER"}},
    {0x98, {"READONLY_BUFFER"}},
    {0x8f, {"EMPTY_SET"}},
    {0x90, {"ADDITEMS"}},
    {0x91, {"FROZENSET"}},
    {0x80, {"PROTO"}},
    {'I', {"INT"}},
    {'L', {"LONG"}},
    {'F', {"FLOAT"}},
    {'S', {"STRING"}},
    {'T', {"BINSTRING"}},
    {'U', {"SHORT_BINSTRING"}},
    {'V', {"UNICODE"}},
    {'g', {"GET"}},
    {'p', {"PUT"}},
    {'l', {"LIST"}},
    {'d', {"DICT"}},
};

constexpr Opcodes make_opcodes() {
  Opcodes table{};
  for (const auto& [code, opcode] : kStructure) table[code] = opcode;
  for (const auto& [code, opcode] : kValues) table[code] = opcode;
  for (const auto& [code, opcode] : kRefused) table[code] = opcode;
  return table;
}

constexpr Opcodes kOpcodes = make_opcodes();

void Machine::step() {
  const std::size_t at = position_;
  const auto code = number<std::uint8_t>();
  const Opcode& opcode = kOpcodes[code];
  if (opcode.run == nullptr)
    fault(
        "opcode not allowed in a pickle",
        fmt::format("{} at byte {}", opcode.name ? opcode.name : fmt::format("0x{:02x}", code), at),
        "plain data and numpy arrays");
  (this->*opcode.run)();
}

}  // namespace
}  // namespace pickle

Result<PicklePtr> read_pickle(std::string_view bytes, std::string_view where) {
  try {
    return pickle::Machine(bytes).run();
  } catch (const pickle::Fault& fault) {
    return invalid_input(std::string(where), fault.what, fault.got, fault.want);
  }
}

}  // namespace bhroute::calibration
