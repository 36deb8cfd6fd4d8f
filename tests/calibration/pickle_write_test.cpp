#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <bit>

#include "bhroute/calibration/pickle.h"
#include "calibration/pickle_text.h"
#include "calibration/python.h"
#include "core/temporary_folder.h"

namespace bhroute::calibration {
namespace {

TEST(WritePickle, OurReaderReadsIt) {
  EXPECT_EQ(testing::read_as_text(write_pickle({{"x", {1, 2.5}}, {"cdf", {0}}})),
            "{'x': f8(2x 1 2.5), 'cdf': f8(1x 0)}");
  EXPECT_EQ(testing::read_as_text(write_pickle({})), "{}");
  EXPECT_EQ(testing::read_as_text(write_pickle({{"empty", {}}})), "{'empty': f8(0x)}");
}

RC_GTEST_PROP(WritePickle, KeepsEveryBit, (std::vector<std::uint64_t> bits)) {
  std::vector<double> values;
  for (std::uint64_t b : bits) values.push_back(std::bit_cast<double>(b));
  const auto back = read_pickle(write_pickle({{"v", values}}), "v").value();
  const auto& array =
      std::get<PickleArray>(std::get<PickleDict>(back->value).items.at(0).second->value);
  RC_ASSERT(array.values.size() == bits.size());
  for (std::size_t i = 0; i < bits.size(); ++i)
    RC_ASSERT(std::bit_cast<std::uint64_t>(array.values[i]) == bits[i]);
}

TEST(WritePickle, PythonOpensTheSameDict) {
  const auto python = testing::python_with("numpy");
  if (!python) GTEST_SKIP() << "no Python with numpy: set BHROUTE_PYTHON or make .venv";
  ::bhroute::testing::TemporaryFolder folder;
  std::vector<double> many(100'000);
  for (std::size_t i = 0; i < many.size(); ++i) many[i] = static_cast<double>(i) * 0.1;
  ASSERT_TRUE(
      write_file(folder / "a.pkl", write_pickle({{"x", {1, -2.5, 1e300}}, {"many", many}})));
  EXPECT_EQ(testing::run_python(*python, folder.path(), R"(
import pickle, numpy as np
d = pickle.load(open('a.pkl', 'rb'))
assert list(d) == ['x', 'many'] and type(d) is dict
assert d['x'].dtype == np.float64 and d['x'].tolist() == [1, -2.5, 1e300]
assert np.array_equal(d['many'], np.arange(100000) * 0.1)
d['x'][0] = 7
print('same')
)"),
            "same\n");
}

}  // namespace
}  // namespace bhroute::calibration
