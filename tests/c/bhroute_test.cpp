// libbhroute.so, through its header alone, against the C++ library in this program.

#include "bhroute.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <random>
#include <stdexcept>
#include <thread>

#include "bhroute/calibration/calibration_file.h"
#include "bhroute/core/sha256.h"
#include "bhroute/core/version.h"
#include "bhroute/routing/policy.h"
#include "core/temporary_folder.h"
#include "routing/synthetic_tables.h"

namespace bhroute {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::size_t kExperts = 16, kTokens = 33;
constexpr bhroute_router_facts kFacts{.num_experts = kExperts, .top_k = 8, .normalizes_weights = 0};

struct Free {
  void operator()(bhroute_policy* policy) const { bhroute_policy_free(policy); }
};
using PolicyPtr = std::unique_ptr<bhroute_policy, Free>;

PolicyPtr parse(const std::string& text, const char* table = nullptr) {
  bhroute_policy* policy = nullptr;
  EXPECT_EQ(bhroute_policy_parse(text.c_str(), table, &kFacts, &policy), BHROUTE_OK)
      << bhroute_last_error();
  return PolicyPtr(policy);
}

/// Why it is refused; the output stays as it was.
std::string refused(const std::string& text, const char* table = nullptr,
                    bhroute_router_facts facts = kFacts) {
  auto* const untouched = reinterpret_cast<bhroute_policy*>(0x10);
  bhroute_policy* policy = untouched;
  EXPECT_EQ(bhroute_policy_parse(text.c_str(), table, &facts, &policy), BHROUTE_INVALID_INPUT);
  EXPECT_EQ(policy, untouched);
  return bhroute_last_error();
}

std::vector<float> draw_logits(std::size_t num_tokens, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0f, 1.5f);
  std::vector<float> logits(num_tokens * kExperts);
  for (float& logit : logits) logit = normal(random);
  return logits;
}

/// Buffers filled with what no routing writes.
struct Buffers {
  Buffers(std::size_t num_tokens, std::size_t width)
      : ids(num_tokens * width, -7),
        weights(num_tokens * width, -7.0f),
        counts(num_tokens, -7),
        decision{ids.data(), weights.data(), counts.data(), width} {}
  bool operator==(const Buffers& other) const {
    return ids == other.ids && weights == other.weights && counts == other.counts;
  }
  std::vector<std::int32_t> ids;
  std::vector<float> weights;
  std::vector<std::int32_t> counts;
  bhroute_decision decision;
};

bhroute_logits rows(const std::vector<float>& logits) {
  return {logits.data(), logits.size() / kExperts, kExperts, kExperts, 1};
}

Buffers route(const bhroute_policy& policy, const bhroute_logits& logits,
              std::size_t width = kExperts) {
  Buffers out(logits.num_tokens, width);
  EXPECT_EQ(bhroute_route(&policy, 0, &logits, 0, &out.decision), BHROUTE_OK)
      << bhroute_last_error();
  return out;
}

/// What the C++ library decides, in rows of `width`.
Buffers expected(const routing::Policy& policy, const std::vector<float>& logits,
                 std::size_t width = kExperts) {
  routing::RoutingDecision made;
  EXPECT_TRUE(policy.route(testing::view(logits, kExperts), 0, {}, made));
  Buffers out(made.num_tokens, width);
  std::ranges::fill(out.ids, -1);
  std::ranges::fill(out.weights, 0.0f);
  out.counts = made.num_selected;
  for (std::size_t t = 0; t < made.num_tokens; ++t)
    for (std::size_t slot = 0; slot < made.max_k; ++slot) {
      out.ids[t * width + slot] = made.expert_ids[t * made.max_k + slot];
      out.weights[t * width + slot] = made.routing_weights[t * made.max_k + slot];
    }
  return out;
}

class WithTable : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(calibration::write_table(folder_ / "t.safetensors", *table_));
    path_ = (folder_ / "t.safetensors").string();
  }
  std::unique_ptr<routing::Policy> in_cpp(const std::string& text) {
    const auto spec = routing::parse_policy(text).value();
    return routing::make_policy(spec, testing::facts(kExperts),
                                routing::uses_p_values(spec.rule) ? table_ : nullptr)
        .value();
  }
  std::string write_policy(const std::string& hash) {
    const auto path = folder_ / "policy.json";
    testing::spill(
        path, fmt::format(R"({{"rule": "bh", "alpha": 0.3, "max_k": 6, "table": "t.safetensors",
                                          "table_sha256": "{}"}})",
                          hash));
    return path.string();
  }

  testing::TemporaryFolder folder_;
  std::shared_ptr<const calibration::CalibrationTable> table_ =
      testing::make_table(testing::NullShape::gridded, kExperts);
  std::string path_;
};

TEST_F(WithTable, EqualsTheCppLibraryInEveryLayoutOfTheLogits) {
  const auto logits = draw_logits(kTokens, 1);
  std::vector<float> padded(kTokens * (kExperts + 5), 99.0f), transposed(logits.size());
  for (std::size_t t = 0; t < kTokens; ++t)
    for (std::size_t e = 0; e < kExperts; ++e) {
      padded[t * (kExperts + 5) + e] = transposed[e * kTokens + t] = logits[t * kExperts + e];
    }
  for (const std::string text :
       {"bh:alpha=0.3,max_k=8", "holm:alpha=0.4,min_k=2,max_k=16", "storey:alpha=0.2,max_k=4",
        "top_k:k=3,weights=mass", "top_p:p=0.6,max_k=8,weights=renormalized",
        "entropy:edges=1/2,counts=2/4/6,min_k=1,max_k=8"}) {
    const auto policy = parse(text, path_.c_str());
    const auto want = expected(*in_cpp(text), logits);
    EXPECT_TRUE(route(*policy, rows(logits)) == want) << text;
    EXPECT_TRUE(route(*policy, {padded.data(), kTokens, kExperts, kExperts + 5, 1}) == want)
        << text;
    EXPECT_TRUE(route(*policy, {transposed.data(), kTokens, kExperts, 1, kTokens}) == want) << text;
  }
}

TEST_F(WithTable, APolicyFileBringsItsTableByHash) {
  const auto logits = draw_logits(kTokens, 2);
  const auto right = write_policy(sha256_file(path_).value());
  bhroute_policy* policy = nullptr;
  ASSERT_EQ(bhroute_policy_load(right.c_str(), nullptr, &kFacts, &policy), BHROUTE_OK)
      << bhroute_last_error();
  const PolicyPtr owner(policy);
  EXPECT_TRUE(route(*policy, rows(logits)) == expected(*in_cpp("bh:alpha=0.3,max_k=6"), logits));
  EXPECT_EQ(bhroute_policy_width(policy), 6u);
  EXPECT_EQ(routing::parse_policy(bhroute_policy_text(policy)).value().table, path_);

  const auto wrong = write_policy(std::string(64, 'a'));
  EXPECT_EQ(bhroute_policy_load(wrong.c_str(), nullptr, &kFacts, &policy), BHROUTE_INVALID_INPUT);
  EXPECT_THAT(bhroute_last_error(), HasSubstr("not the table that the policy was made with"));
  EXPECT_EQ(bhroute_policy_load((folder_ / "none.json").c_str(), nullptr, &kFacts, &policy),
            BHROUTE_INVALID_INPUT);
  EXPECT_THAT(bhroute_last_error(), HasSubstr("none.json"));
}

TEST_F(WithTable, ATableInPlaceOfThePolicysOwnMustHaveItsHash) {
  const auto of_hash = write_policy(sha256_file(path_).value());
  const std::string other = (folder_ / "other.safetensors").string();
  ASSERT_TRUE(calibration::write_table(
      other, *testing::make_table(testing::NullShape::conformal, kExperts)));
  bhroute_policy* policy = nullptr;
  EXPECT_EQ(bhroute_policy_load(of_hash.c_str(), other.c_str(), &kFacts, &policy),
            BHROUTE_INVALID_INPUT);
  EXPECT_THAT(bhroute_last_error(),
              AllOf(HasSubstr("other.safetensors"),
                    HasSubstr("not the table that the policy was made with")));
  const std::string text =
      R"({"rule": "bh", "alpha": 0.3, "table_sha256": ")" + sha256_file(path_).value() + "\"}";
  EXPECT_THAT(refused(text, other.c_str()),
              HasSubstr("not the table that the policy was made with"));
  EXPECT_NE(parse(text, path_.c_str()), nullptr);
}

TEST_F(WithTable, TheExampleInCPrintsWhatTheCppLibraryDecides) {
  const std::vector<float> logits{2.5f, -1.0f, 0.25f, 3.0f, -0.5f, 0.0f, 1.0f, -2.0f};
  const auto table = testing::make_table(testing::NullShape::gridded, 8);
  ASSERT_TRUE(calibration::write_table(path_, *table));
  const auto file = write_policy(sha256_file(path_).value());
  const auto policy =
      routing::make_policy(routing::parse_policy(file).value(), {8, 2, false}, table).value();
  routing::RoutingDecision made;
  ASSERT_TRUE(policy->route(testing::view(logits, 8), 0, {}, made));
  std::string want = "token 0:";
  for (int slot = 0; slot < made.num_selected[0]; ++slot)
    want += fmt::format(" {} ({:.6f})", made.expert_ids[slot], made.routing_weights[slot]);

  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen((BHROUTE_EXAMPLE " " + file).c_str(), "r"),
                                                   pclose);
  std::string printed(4096, '\0');
  printed.resize(std::fread(printed.data(), 1, printed.size(), pipe.get()));
  EXPECT_THAT(printed, AllOf(HasSubstr("bh:alpha=0.3"), HasSubstr(want + "\n")));
}

TEST(CApi, SaysItsVersion) {
  EXPECT_EQ(
      fmt::format("{}.{}.{}", BHROUTE_VERSION_MAJOR, BHROUTE_VERSION_MINOR, BHROUTE_VERSION_PATCH),
      BHROUTE_PROJECT_VERSION)
      << "include/bhroute.h and CMakeLists.txt differ";
  EXPECT_STREQ(bhroute_version(), BHROUTE_PROJECT_VERSION);
  EXPECT_EQ(bhroute_version_number(), BHROUTE_VERSION_NUMBER);
}

TEST(CApi, AWiderRowIsPaddedAndANarrowerOneRefused) {
  const auto logits = draw_logits(kTokens, 3);
  const auto policy = parse("top_k:k=3");
  const auto out = route(*policy, rows(logits), 5);
  EXPECT_EQ(out.ids[3], -1);
  EXPECT_EQ(out.weights[4], 0.0f);
  Buffers narrow(kTokens, 2);
  const auto batch = rows(logits);
  EXPECT_EQ(bhroute_route(policy.get(), 0, &batch, 0, &narrow.decision), BHROUTE_INVALID_INPUT);
  EXPECT_STREQ(bhroute_last_error(),
               "decision.width: too narrow for this layer, got 2, want at least 3");
  EXPECT_TRUE(narrow == Buffers(kTokens, 2));
}

TEST(CApi, ATokenOfNanIsAnErrorOrLeftToTheEngine) {
  auto logits = draw_logits(2, 4);
  std::fill_n(logits.begin(), kExperts, std::numeric_limits<float>::quiet_NaN());
  const auto policy = parse("top_k:k=3");
  Buffers out(2, 3);
  const auto batch = rows(logits);
  EXPECT_EQ(bhroute_route(policy.get(), 0, &batch, 0, &out.decision), BHROUTE_INVALID_INPUT);
  EXPECT_THAT(bhroute_last_error(), HasSubstr("every logit of a token is NaN"));
  EXPECT_EQ(bhroute_route(policy.get(), 0, &batch, BHROUTE_ALLOW_UNROUTABLE, &out.decision),
            BHROUTE_OK);
  EXPECT_EQ(out.counts, (std::vector<std::int32_t>{0, 3}));
}

TEST(CApi, TextIsNeverAPath) {
  testing::TemporaryFolder folder;
  testing::spill(folder / "p.json", R"({"rule": "top_k", "k": 3})");
  EXPECT_THAT(refused((folder / "p.json").string()), HasSubstr("policy"));
  EXPECT_EQ(bhroute_policy_width(parse(R"({"rule": "top_k", "k": 3})").get()), 3u);
}

TEST(CApi, WrongPoliciesAreOneLineEach) {
  EXPECT_THAT(refused("bh:alpa=0.2"), HasSubstr("did you mean"));
  EXPECT_THAT(refused("bh:alpha=2"), AllOf(HasSubstr("alpha"), HasSubstr("got 2")));
  EXPECT_THAT(refused("{\"rule\": "), HasSubstr("not JSON"));
  EXPECT_THAT(refused("bh", "/nowhere.safetensors"), HasSubstr("/nowhere.safetensors"));
  EXPECT_THAT(refused("top_k:k=17"), HasSubstr("17"));
  EXPECT_THAT(refused("top_k:k=1", nullptr, {}), HasSubstr("num_experts"));
  EXPECT_THAT(refused(""), HasSubstr("policy"));
}

TEST(CApi, WrongArgumentsOfRoutingAreRefused) {
  const auto logits = draw_logits(2, 5);
  const auto policy = parse("top_k:k=3");
  const auto said = [&](bhroute_logits batch, std::uint32_t flags = 0) {
    Buffers out(2, 3);
    EXPECT_EQ(bhroute_route(policy.get(), 0, &batch, flags, &out.decision), BHROUTE_INVALID_INPUT);
    EXPECT_TRUE(out == Buffers(2, 3));
    return std::string(bhroute_last_error());
  };
  const auto good = rows(logits);
  const auto with = [&](auto change) {
    auto batch = good;
    change(batch);
    return batch;
  };
  EXPECT_THAT(said(with([](auto& b) { b.data = nullptr; })), HasSubstr("logits.data: missing"));
  EXPECT_THAT(said(with([](auto& b) { b.num_experts = 15; })),
              HasSubstr("wrong number of experts, got 15, want 16"));
  EXPECT_THAT(said(with([](auto& b) { b.num_experts = 0; })), HasSubstr("out of range"));
  EXPECT_THAT(said(with([](auto& b) { b.token_stride = 0; })), HasSubstr("a stride is 0"));
  EXPECT_THAT(said(with([](auto& b) { b.expert_stride = 0; })), HasSubstr("a stride is 0"));
  EXPECT_THAT(said(with([](auto& b) { b.token_stride = 15; })), HasSubstr("rows overlap"));
  EXPECT_THAT(said(with([](auto& b) { b.num_tokens = SIZE_MAX / 4; })), HasSubstr("out of range"));
  EXPECT_THAT(said(with([](auto& b) { b.token_stride = SIZE_MAX / 4; })),
              HasSubstr("out of range"));
  EXPECT_THAT(said(with([](auto& b) { b.expert_stride = SIZE_MAX / 8; })),
              HasSubstr("out of range"));
  EXPECT_THAT(said(good, 2), HasSubstr("flags: unknown, got 0x2"));
  EXPECT_EQ(bhroute_route(nullptr, 0, &good, 0, nullptr), BHROUTE_INVALID_INPUT);
  EXPECT_THAT(bhroute_last_error(), HasSubstr("policy: missing, got NULL"));
}

TEST(CApi, NoTokensWriteNothing) {
  const auto policy = parse("top_k:k=3");
  const bhroute_logits none{nullptr, 0, kExperts, kExperts, 1};
  const bhroute_decision nowhere{nullptr, nullptr, nullptr, 3};
  EXPECT_EQ(bhroute_route(policy.get(), 0, &none, 0, &nowhere), BHROUTE_OK);
  bhroute_policy_free(nullptr);
}

TEST(CApi, WarningsGoToTheSinkAndItsExceptionStopsInTheLibrary) {
  const auto policy =
      parse("bh:alpha=0.3,max_k=4");  // no table: told at the first routing of a process
  const auto logits = draw_logits(kTokens, 6);
  const auto batch = rows(logits);
  Buffers out(kTokens, 4);
  std::string heard;
  bhroute_set_log_sink(
      [](void* user, bhroute_severity severity, const char* message) {
        EXPECT_EQ(severity, BHROUTE_WARNING);
        *static_cast<std::string*>(user) = message;
        throw std::runtime_error("thrown in the sink");
      },
      &heard);
  const auto status = bhroute_route(policy.get(), 0, &batch, 0, &out.decision);
  bhroute_set_log_sink(nullptr, nullptr);
  EXPECT_EQ(status, BHROUTE_FAILURE);
  EXPECT_STREQ(bhroute_last_error(), "route: thrown in the sink");
  EXPECT_THAT(heard, HasSubstr("no calibration table"));
}

/// What each function that can fail says when it is called from the sink.
struct CallsFromTheSink {
  const bhroute_policy* policy;
  bhroute_logits batch;
  std::vector<std::string> said;
};

void call_from_the_sink(void* user, bhroute_severity, const char*) {
  auto& calls = *static_cast<CallsFromTheSink*>(user);
  const auto note = [&](bhroute_status status) {
    calls.said.push_back(fmt::format("{} {}", static_cast<int>(status), bhroute_last_error()));
  };
  Buffers out(kTokens, 4);
  bhroute_policy* made = nullptr;
  note(bhroute_route(calls.policy, 0, &calls.batch, 0, &out.decision));
  note(bhroute_policy_parse("top_k:k=3", nullptr, &kFacts, &made));
  note(bhroute_policy_load("none.json", nullptr, &kFacts, &made));
  EXPECT_TRUE(out == Buffers(kTokens, 4));
  EXPECT_EQ(made, nullptr);
}

TEST(CApi, ACallFromInsideTheSinkIsRefused) {
  const auto logits = draw_logits(kTokens, 7);
  const auto policy = parse("top_k:k=3");
  CallsFromTheSink calls{policy.get(), rows(logits), {}};
  bhroute_set_log_sink(call_from_the_sink, &calls);
  // A warning that each policy of another temperature gives.
  const auto warned = parse("bh:alpha=0.3,max_k=4,temperature=3.75");
  bhroute_set_log_sink(nullptr, nullptr);
  EXPECT_THAT(calls.said, ElementsAre("2 route: called from inside the log sink",
                                      "2 policy: called from inside the log sink",
                                      "2 policy: called from inside the log sink"));
  EXPECT_EQ(route(*policy, rows(logits), 4).counts, std::vector<std::int32_t>(kTokens, 3));
}

TEST(CApi, AFailureOfMemoryIsAStatus) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer ends the program where memory cannot be had";
#endif
  const auto policy = parse("top_k:k=3");
  const float one = 0.0f;
  const bhroute_logits huge{&one, std::size_t{1} << 54, kExperts, kExperts, 1};
  Buffers out(1, 3);
  EXPECT_EQ(bhroute_route(policy.get(), 0, &huge, 0, &out.decision), BHROUTE_FAILURE);
  EXPECT_STREQ(bhroute_last_error(), "route: out of memory");
}

TEST(CApi, ThreadsRouteByOnePolicyAndHaveTheirOwnErrors) {
  const auto policy = parse("top_p:p=0.6,max_k=8");
  std::vector<std::thread> threads;
  for (unsigned seed = 0; seed < 4; ++seed)
    threads.emplace_back([&policy, seed] {
      EXPECT_STREQ(bhroute_last_error(), "");
      const auto logits = draw_logits(kTokens, seed);
      const auto first = route(*policy, rows(logits));
      for (int i = 0; i < 200; ++i) EXPECT_TRUE(route(*policy, rows(logits)) == first);
      EXPECT_THAT(refused(fmt::format("top_k:k={}", 100 + seed)),
                  HasSubstr(fmt::format("{}", 100 + seed)));
    });
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace bhroute
