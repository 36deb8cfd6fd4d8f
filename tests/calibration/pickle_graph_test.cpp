#include "../../src/calibration/pickle_graph.h"

#include <gtest/gtest.h>

#include "calibration/pickle_text.h"

namespace bhroute::calibration::pickle {
namespace {

using testing::text_of;

template <class Work>
std::string fault_of(Work work) {
  try {
    work();
  } catch (const Fault& fault) {
    return fault.what;
  }
  return "";
}

TEST(PickleGraph, MakesValuesAndKeepsSharing) {
  Graph graph(100);
  Node* leaf = graph.make(std::string_view("a"));
  Node* tuple = graph.make(Tuple{{leaf, leaf}});
  const auto value = convert(tuple);
  EXPECT_EQ(text_of(value), "('a', 'a')");
  const auto& items = std::get<PickleTuple>(value->value).items;
  EXPECT_EQ(items[0], items[1]);
}

TEST(PickleGraph, ValuesOutliveTheArena) {
  PicklePtr value;
  {
    Graph graph(100);
    value = convert(graph.make(List{{graph.make(Bytes{graph.keep("abc")}), graph.make(1.5)}}));
  }
  EXPECT_EQ(text_of(value), "[bytes[3], 1.5]");
}

TEST(PickleGraph, RefusesLoops) {
  Graph graph(100);
  Node* inner = graph.make(List{});
  Node* outer = graph.make(Tuple{{inner}});
  std::get<List>(inner->object).items.push_back(outer);
  EXPECT_EQ(fault_of([&] { convert(outer); }), "pickle contains itself");
}

TEST(PickleGraph, CountsSharedPartsEachTime) {
  Graph graph(100);
  Node* node = graph.make(PickleNone{});
  for (int level = 0; level < 19; ++level) node = graph.make(Tuple{{node, node}});
  EXPECT_EQ(fault_of([&] { convert(node); }), "");
  EXPECT_EQ(node->weight, (std::size_t{1} << 20) - 1);
  node = graph.make(Tuple{{node, node}});
  EXPECT_EQ(fault_of([&] { convert(node); }), "pickle unfolds to too many values");
}

TEST(PickleGraph, BudgetsAreTheInputsSize) {
  Graph graph(10);
  EXPECT_EQ(fault_of([&] { graph.charge_array(6), graph.charge_array(4); }), "");
  EXPECT_EQ(fault_of([&] { graph.charge_array(1); }),
            "numpy arrays larger than the pickle that holds them");
  EXPECT_EQ(fault_of([&] { graph.keep("1234567890"); }), "");
  EXPECT_EQ(fault_of([&] { graph.keep("1"); }), "text larger than the pickle that holds it");
}

TEST(PickleGraph, NamesTypes) {
  Graph graph(10);
  EXPECT_EQ(type_name(*graph.make(PickleNone{})), "None");
  EXPECT_EQ(type_name(*graph.make(Dict{})), "dict");
  EXPECT_EQ(type_name(*graph.make(Callable::dtype)), "numpy global");
  EXPECT_EQ(type_name(*graph.make(Array{})), "numpy array");
}

}  // namespace
}  // namespace bhroute::calibration::pickle
