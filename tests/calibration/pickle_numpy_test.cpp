#include "../../src/calibration/pickle_numpy.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace bhroute::calibration::pickle {
namespace {

using Text = std::string_view;

class PickleNumpy : public ::testing::Test {
 protected:
  Node* text(std::string_view value) { return graph.make(value); }
  Node* bytes(std::string_view value) { return graph.make(Bytes{value}); }
  Node* integer(std::int64_t value) { return graph.make(value); }
  Node* shape(std::initializer_list<std::int64_t> extents) {
    Nodes items;
    for (std::int64_t extent : extents) items.push_back(integer(extent));
    return graph.make(Tuple{items});
  }
  Node* dtype(std::string_view code) { return call(graph, Callable::dtype, {text(code)}); }
  Node* buffer(std::string_view data, Node* extents, std::string_view order = "C") {
    return call(graph, Callable::frombuffer, {bytes(data), dtype("f4"), extents, text(order)});
  }
  Node* dtype_state(std::string_view order) {
    Node* none = graph.make(PickleNone{});
    return graph.make(
        Tuple{{integer(3), text(order), none, none, none, integer(-1), integer(-1), integer(0)}});
  }

  template <class Work>
  std::string fault_of(Work work) {
    try {
      work();
    } catch (const Fault& fault) {
      return fault.what + (fault.got.empty() ? "" : ", got " + fault.got);
    }
    return "";
  }

  Graph graph{1000};
};

TEST_F(PickleNumpy, KnowsBothNamesOfNumpysModules) {
  EXPECT_EQ(find_global("numpy.core.multiarray", "_reconstruct"), Callable::reconstruct);
  EXPECT_EQ(find_global("numpy._core.multiarray", "_reconstruct"), Callable::reconstruct);
  EXPECT_EQ(find_global("numpy.core.multiarray", "scalar"), Callable::scalar);
  EXPECT_EQ(find_global("numpy._core.numeric", "_frombuffer"), Callable::frombuffer);
}

TEST_F(PickleNumpy, RefusesOtherGlobalsByName) {
  EXPECT_EQ(fault_of([] { find_global("numpy", "load"); }),
            "global not allowed in a pickle, got numpy.load");
  EXPECT_EQ(fault_of([] { find_global("_codecs", "decode"); }),
            "global not allowed in a pickle, got _codecs.decode");
  EXPECT_EQ(fault_of([] { find_global("a\x1b", "b\n"); }),
            "global not allowed in a pickle, got a?.b?");
  EXPECT_EQ(fault_of([] { find_global(std::string(5000, 'a'), "b"); }).size(),
            std::string("global not allowed in a pickle, got .b").size() + 100);
}

TEST_F(PickleNumpy, DataTypes) {
  for (Text code : {"f4", "f8", "<f4", "=f8"})
    EXPECT_EQ(fault_of([&] { dtype(code); }), "") << code;
  EXPECT_EQ(fault_of([&] { dtype(">f8"); }), "numpy data type not allowed, got >f8");
  EXPECT_EQ(fault_of([&] { dtype("O8"); }), "numpy data type not allowed, got O8");
}

TEST_F(PickleNumpy, ByteOrderComesWithTheState) {
  for (Text order : {"<", "=", "|"})
    EXPECT_EQ(fault_of([&] { set_state(graph, *dtype("f8"), *dtype_state(order)); }), "");
  EXPECT_EQ(fault_of([&] { set_state(graph, *dtype("f8"), *dtype_state(">")); }),
            "numpy byte order not allowed, got >");
}

TEST_F(PickleNumpy, BuffersMustFillTheirShape) {
  const std::string data(24, '\0');
  EXPECT_EQ(fault_of([&] { buffer(data, shape({2, 3})); }), "");
  EXPECT_EQ(fault_of([&] { buffer(data, shape({6}), "F"); }), "");
  EXPECT_EQ(fault_of([&] { buffer("", shape({0, 1LL << 62, 1LL << 62})); }), "");
  EXPECT_EQ(fault_of([&] {
              buffer(data, shape({2, 3}), "F");
            }),
            "numpy order not allowed, got Fortran order");
  EXPECT_EQ(fault_of([&] { buffer(data, shape({2, 3}), "K"); }), "numpy order not allowed, got K");
  for (auto extents : {shape({5}), shape({7}), shape({}), shape({0}), shape({(1LL << 62) + 6}),
                       shape({1LL << 62, 8})})
    EXPECT_EQ(fault_of([&] { buffer(data, extents); }),
              "numpy array's data differs from its shape, got 24 bytes");
}

TEST_F(PickleNumpy, ArraysTakeTheirDataOnce) {
  Node* array =
      call(graph, Callable::reconstruct, {graph.make(Callable::ndarray), shape({0}), bytes("b")});
  Node* state = graph.make(
      Tuple{{integer(1), shape({1}), dtype("f8"), graph.make(false), bytes("\0\0\0\0\0\0\xf0?")}});
  std::get<Tuple>(state->object).items[4] = bytes(Text("\0\0\0\0\0\0\xf0?", 8));
  set_state(graph, *array, *state);
  EXPECT_EQ(std::get<Array>(array->object).value->values, std::vector<double>{1.0});
  EXPECT_EQ(fault_of([&] { set_state(graph, *array, *state); }),
            "numpy array given its data twice");
}

TEST_F(PickleNumpy, StateIsForArraysAndDataTypesOnly) {
  EXPECT_EQ(fault_of([&] { set_state(graph, *graph.make(Dict{}), *shape({})); }),
            "state not allowed in a pickle, got dict");
}

TEST_F(PickleNumpy, Latin1TextBecomesBytes) {
  const auto encode = [&](Text value, Text codec = "latin1") {
    return call(graph, Callable::encode, {text(value), text(codec)});
  };
  EXPECT_EQ(std::get<Bytes>(encode("a\xc2\x80\xc3\xbf")->object).view, Text("a\x80\xff"));
  for (Text wrong : {"\xc3", "\xc4\x80", "\xe2\x82\xac", "\xc3(", "\x80"})
    EXPECT_EQ(fault_of([&] { encode(wrong); }), "text is not latin1");
  EXPECT_EQ(fault_of([&] { encode("a", "rot13"); }), "codec not allowed, got rot13");
}

TEST_F(PickleNumpy, EmptyBytesOfProtocol2) {
  EXPECT_EQ(find_global("__builtin__", "bytes"), Callable::bytes);
  EXPECT_EQ(std::get<Bytes>(call(graph, Callable::bytes, {})->object).view, Text());
  EXPECT_EQ(fault_of([&] { call(graph, Callable::bytes, {integer(1 << 30)}); }),
            "wrong number of parts of bytes(), got 1");
}

TEST_F(PickleNumpy, ScalarsHaveOneValuesBytes) {
  const auto scalar = [&](Text data) {
    return call(graph, Callable::scalar, {dtype("f4"), bytes(data)});
  };
  EXPECT_EQ(std::get<double>(scalar(Text("\0\0\xc0?", 4))->object), 1.5);
  EXPECT_NE(fault_of([&] { scalar("12345678"); }), "");
  EXPECT_NE(fault_of([&] { scalar(""); }), "");
}

TEST_F(PickleNumpy, WrongTypesAndCountsAreNamed) {
  EXPECT_EQ(fault_of([&] { call(graph, Callable::dtype, {integer(1)}); }),
            "wrong type of a numpy.dtype's code, got int");
  EXPECT_EQ(fault_of([&] { call(graph, Callable::scalar, {}); }),
            "wrong number of parts of a numpy scalar, got 0");
  EXPECT_EQ(fault_of([&] { call(graph, Callable::ndarray, {}); }),
            "call not allowed in a pickle, got numpy.ndarray");
}

}  // namespace
}  // namespace bhroute::calibration::pickle
