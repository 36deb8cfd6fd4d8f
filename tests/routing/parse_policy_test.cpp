#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <clocale>
#include <filesystem>

#include "bhroute/core/file.h"
#include "bhroute/routing/policy_spec.h"

namespace bhroute::routing {
namespace {

std::string error_of(std::string_view text) {
  const auto spec = parse_policy(text);
  return spec ? "" : to_string(spec.error());
}

TEST(ParsePolicy, ShortForms) {
  EXPECT_EQ(parse_policy("bh").value(), PolicySpec{});
  EXPECT_EQ(parse_policy("bh:alpha=0.05,min_k=1,max_k=16,weights=native").value(),
            (PolicySpec{.max_k = 16}));
  EXPECT_EQ(parse_policy("top_k:k=5,weights=mass").value(),
            (PolicySpec{.rule = Rule::top_k, .k = 5, .weights = WeightRule::mass}));
  EXPECT_EQ(parse_policy("bh:alpha=5e-2,clamp_p_values=true").value(),
            (PolicySpec{.clamp_p_values = true}));
}

TEST(ParsePolicy, APathMayHoldCommasAndEndInJson) {
  EXPECT_EQ(parse_policy("bh:max_k=4,table=a,b=c.json").value(),
            (PolicySpec{.max_k = 4, .table = "a,b=c.json"}));
}

TEST(ParsePolicy, ErrorsNameTheValue) {
  EXPECT_EQ(error_of("bh:alpha=1.5"), "alpha: out of range, got 1.5, want 0 < alpha < 1");
  EXPECT_EQ(error_of("bh:alpa=0.1"), "policy: unknown key of bh, got alpa, did you mean alpha?");
  EXPECT_EQ(error_of("bj:alpha=0.1"), "policy: unknown rule, got bj, did you mean bh?");
  EXPECT_EQ(error_of("bh:alpha"), "policy: no value, got alpha, want key=value");
  EXPECT_EQ(error_of("bh:max_k=2,max_k=3"), "max_k: given twice, got 3, want one value");
  for (const char* text : {"bh:alpha=0,05",
                           "bh:alpha=",
                           "bh:alpha=0.05x",
                           "bh:alpha= 0.05",
                           "bh:alpha=nan",
                           "bh:alpha=inf",
                           "bh:max_k=-1",
                           "bh:max_k=2.5",
                           "bh:max_k=1e3",
                           "bh:max_k=0x10",
                           "bh:max_k=99999999999999999999",
                           "bh:clamp_p_values=1",
                           "bh:weights=",
                           "bh:,",
                           "bh:=3",
                           "top_k:alpha=0.1",
                           "",
                           ":",
                           "top_k:k=0",
                           "bh:layers.=1",
                           "bh:layers.3=1",
                           "bh:layers.x.alpha=0.1",
                           "bh:layers.3.alpa=0.1",
                           "bh:layers.-3.alpha=0.1",
                           "bh:layers.3.table=x",
                           "entropy:edges=1/,counts=3/4",
                           "top_k_per_layer:ks=",
                           "top_k_per_layer:ks=3/x",
                           "ser:t=2"})
    EXPECT_NE(error_of(text), "") << text;
}

TEST(ParsePolicy, ReadsNumbersInEveryLocale) {
  const std::string before = std::setlocale(LC_ALL, nullptr);
  for (const char* name : {"de_DE.UTF-8", "fr_FR.UTF-8"}) std::setlocale(LC_ALL, name);
  EXPECT_EQ(parse_policy("bh:alpha=0.25").value().alpha, 0.25);
  EXPECT_EQ(to_string(PolicySpec{.alpha = 0.25}), "bh:alpha=0.25,min_k=1,max_k=8,weights=native");
  std::setlocale(LC_ALL, before.c_str());
}

class PolicyFile : public ::testing::Test {
 protected:
  std::filesystem::path folder_ = std::filesystem::path(::testing::TempDir()) /
                                  ("bhroute_policy_file_" + std::to_string(getpid()));
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string write(const std::string& name, std::string_view content) {
    EXPECT_TRUE(write_file(folder_ / name, content));
    return (folder_ / name).string();
  }
};

TEST_F(PolicyFile, ItsTableIsRelativeToIt) {
  const auto path = write("policy.json", R"({"rule": "bh", "table": "t.safetensors"})");
  EXPECT_EQ(parse_policy(path).value().table, (folder_ / "t.safetensors").string());
  const auto absolute = write("other", R"({"rule": "bh", "table": "/t.safetensors"})");
  EXPECT_EQ(parse_policy(absolute).value().table, "/t.safetensors");
}

TEST_F(PolicyFile, ItsTablesHashIsChecked) {
  const auto table = write("t.safetensors", "abc");
  const std::string abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  const auto path =
      write("policy.json",
            R"({"rule": "bh", "table": "t.safetensors", "table_sha256": ")" + abc + R"("})");
  const auto spec = parse_policy(path).value();
  EXPECT_TRUE(check_table_hash(spec, spec.table));
  write("t.safetensors", "abd");
  const auto wrong = check_table_hash(spec, spec.table);
  ASSERT_FALSE(wrong);
  EXPECT_THAT(to_string(wrong.error()), ::testing::HasSubstr("t.safetensors: not the table"));
  EXPECT_EQ(wrong.error().want, abc);
  EXPECT_FALSE(check_table_hash(spec, (folder_ / "missing").string()));
  EXPECT_TRUE(check_table_hash(PolicySpec{}, (folder_ / "missing").string())) << "nothing to check";
}

TEST_F(PolicyFile, DamagedOrMissing) {
  EXPECT_THAT(error_of(write("p.json", R"({"rule": "bh", "alpha": NaN})")),
              ::testing::HasSubstr("not JSON"));
  EXPECT_THAT(error_of(write("p.json", std::string(100000, '['))),
              ::testing::HasSubstr("JSON nested too deep"));
  EXPECT_THAT(error_of(write("p.json", R"({"rule": "bh", "alpha": 2})")),
              ::testing::HasSubstr("p.json.alpha"));
  EXPECT_NE(error_of((folder_ / "missing.json").string()), "");
}

}  // namespace
}  // namespace bhroute::routing
