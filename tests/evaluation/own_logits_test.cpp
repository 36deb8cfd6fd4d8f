#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include "bhroute/evaluation/evaluate.h"
#include "core/temporary_folder.h"
#include "evaluation/fake_model.h"

namespace bhroute::evaluation {
namespace {

using ::bhroute::testing::slurp;
using ::bhroute::testing::spill;
using ::bhroute::testing::TemporaryFolder;
using ::testing::HasSubstr;

class OwnLogitsFile : public ::testing::Test {
 protected:
  Result<std::unique_ptr<OwnLogits>> record(FakeModel& model, std::string_view key = "key",
                                            Score score = Score::second_half) {
    return record_own_logits(model, text_, score, file_, key, quiet_);
  }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path()))
      names.push_back(entry.path().filename().string());
    return names;
  }

  TemporaryFolder folder_;
  std::filesystem::path file_ = folder_ / "own_logits.bin";
  WindowedText text_ = fake_windows(3);
  NoProgress quiet_;
};

TEST_F(OwnLogitsFile, HoldsEveryScoredRow) {
  for (Score score : {Score::second_half, Score::all}) {
    FakeModel model;
    const auto own = record(model, "key", score);
    ASSERT_TRUE(own) << to_string(own.error());
    RowCollector collector;
    for (std::size_t w = 0; w < text_.num_windows; ++w) {
      const std::span<const Token> window[] = {text_.at(w)};
      ASSERT_TRUE(model.decode(window, 0, &collector));
    }
    ASSERT_EQ((*own)->num_rows(), num_scored(text_, score));
    std::size_t index = 0;
    for (std::size_t i = 0; i < collector.rows.size(); ++i) {
      const ScoredSpan span = scored_span(text_, score, i / text_.window);
      const std::size_t position = collector.rows[i].position;
      if (position < span.first || position >= span.first + span.count) continue;
      EXPECT_THAT((*own)->row(index), ::testing::ElementsAreArray(collector.rows[i].logits));
      EXPECT_EQ((*own)->summary(index).log_sum, summarize_row(collector.rows[i].logits).log_sum);
      EXPECT_EQ((*own)->summary(index).argmax, summarize_row(collector.rows[i].logits).argmax);
      ++index;
    }
    EXPECT_EQ(index, (*own)->num_rows());
  }
}

TEST_F(OwnLogitsFile, IsReusedWhileItsKeyAgrees) {
  FakeModel model;
  ASSERT_TRUE(record(model));
  const std::size_t decodes = model.num_decodes;
  ASSERT_TRUE(record(model));
  EXPECT_EQ(model.num_decodes, decodes);
  ASSERT_TRUE(record(model, "another key"));
  EXPECT_EQ(model.num_decodes, 2 * decodes);
  EXPECT_THAT(names(), ::testing::ElementsAre("own_logits.bin"));
}

TEST_F(OwnLogitsFile, ATruncatedFileIsRecordedAgain) {
  FakeModel model;
  ASSERT_TRUE(record(model));
  const std::string whole = slurp(file_);
  const std::size_t decodes = model.num_decodes;
  for (std::size_t size : {std::size_t{0}, std::size_t{100}, whole.size() - 1}) {
    std::filesystem::resize_file(file_, size);
    ASSERT_TRUE(record(model));
    EXPECT_EQ(slurp(file_).size(), whole.size());
  }
  EXPECT_EQ(model.num_decodes, 4 * decodes);
}

TEST_F(OwnLogitsFile, AFileOfAnotherKindIsRecordedAgain) {
  FakeModel model;
  ASSERT_TRUE(record(model));
  std::string content = slurp(file_);
  content[0] = 'X';
  spill(file_, content);
  const std::size_t decodes = model.num_decodes;
  ASSERT_TRUE(record(model));
  EXPECT_GT(model.num_decodes, decodes);
}

TEST_F(OwnLogitsFile, RoutesByTheModelsOwnTopKEvenAfterFewerSlots) {
  FakeModel model;
  const auto wanted = slurp((record(model), file_));
  std::filesystem::remove(file_);
  ASSERT_TRUE(model.set_expert_slots(1));
  ASSERT_TRUE(record(model));
  EXPECT_EQ(slurp(file_).substr(0, wanted.size() - 24 * 21),
            wanted.substr(0, wanted.size() - 24 * 21));
}

TEST_F(OwnLogitsFile, AFailureLeavesNoFile) {
  FakeModel fails({.fail_at_decode = 1});
  EXPECT_EQ(to_string(record(fails).error()), "fake: decode failed");
  FakeModel forgets({.forgets_last_row = true});
  EXPECT_THAT(to_string(record(forgets).error()), HasSubstr("not every scored position came out"));
  EXPECT_TRUE(names().empty());
}

TEST_F(OwnLogitsFile, LeavesAnotherProcesssFileAlone) {
  const auto taken = ::bhroute::testing::take_next_temporaries(file_);
  FakeModel model, fails({.fail_at_decode = 1});
  EXPECT_FALSE(record(fails));
  EXPECT_TRUE(record(model));
  for (const auto& file : taken) EXPECT_EQ(slurp(file), "another's") << file;
}

TEST_F(OwnLogitsFile, AMissingFolderIsNamed) {
  FakeModel model;
  file_ = folder_.path() / "missing" / "own_logits.bin";
  EXPECT_THAT(to_string(record(model).error()), HasSubstr("missing"));
}

TEST_F(OwnLogitsFile, TooLittleSpaceNamesTheBytesNeeded) {
  FakeModel model;
  model.mutable_description().vocab_size = std::size_t{1} << 50;
  const std::string problem = to_string(record(model).error());
  EXPECT_THAT(problem, HasSubstr("too little disk space"));
  EXPECT_THAT(problem, HasSubstr("want"));
  EXPECT_EQ(model.num_decodes, 0U);
}

// A limit on file sizes stands for a disk that fills up while the file is written.
TEST_F(OwnLogitsFile, AFullDiskIsAnErrorAndLeavesNoFile) {
  FakeModel model;
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 4500;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto own = record(model);
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(own);
  EXPECT_THAT(to_string(own.error()), HasSubstr("cannot write"));
  EXPECT_TRUE(names().empty());
}

}  // namespace
}  // namespace bhroute::evaluation
