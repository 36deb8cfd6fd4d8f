#include "bhroute/evaluation/scoring.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "evaluation/fake_model.h"

namespace bhroute::evaluation {
namespace {

using ::testing::HasSubstr;

std::string problem(const Result<WindowedText>& result) {
  return result ? "" : to_string(result.error());
}

TEST(Scoring, NamesAreReadBack) {
  for (Score score : {Score::second_half, Score::all})
    EXPECT_EQ(parse_score(to_string(score)).value(), score);
  EXPECT_THAT(to_string(parse_score("half").error()), HasSubstr("second_half or all"));
}

TEST(Scoring, SecondHalfScoresWhatLlamaPerplexityScores) {
  const WindowedText text{std::vector<Token>(1024), 512, 2};
  const ScoredSpan span = scored_span(text, Score::second_half, 1);
  EXPECT_EQ(span.first, 256U);
  EXPECT_EQ(span.count, 255U);
  EXPECT_EQ(num_scored(text, Score::second_half), 510U);
}

TEST(Scoring, AllScoresTheLastPositionWhereTheTextGoesOn) {
  const WindowedText ends{std::vector<Token>(1024), 512, 2};
  EXPECT_EQ(scored_span(ends, Score::all, 0).count, 512U);
  EXPECT_EQ(scored_span(ends, Score::all, 1).count, 511U);
  const WindowedText goes_on{std::vector<Token>(1025), 512, 2};
  EXPECT_EQ(num_scored(goes_on, Score::all), 1024U);
}

RC_GTEST_PROP(ScoringProperty, EveryScoredPositionHasANextToken, ()) {
  const auto window = *rc::gen::inRange<std::size_t>(3, 40);
  const auto windows = *rc::gen::inRange<std::size_t>(1, 5);
  const auto extra = *rc::gen::inRange<std::size_t>(0, 3);
  const WindowedText text{std::vector<Token>(window * windows + extra), window, windows};
  for (Score score : {Score::second_half, Score::all})
    for (std::size_t w = 0; w < windows; ++w) {
      const ScoredSpan span = scored_span(text, score, w);
      RC_ASSERT(span.count > 0U);
      RC_ASSERT(w * window + span.first + span.count < text.tokens.size());
      RC_ASSERT(span.first + span.count <= window);
    }
}

TEST(MakeWindows, CutsWholeWindowsAndKeepsTheRest) {
  FakeModel model;
  const auto text = make_windows(model, fake_text(50), 16, 0, "book.txt");
  ASSERT_TRUE(text) << problem(text);
  EXPECT_EQ(text->num_windows, 3U);
  EXPECT_EQ(text->tokens.size(), 50U);
  EXPECT_EQ(text->at(2).data(), text->tokens.data() + 32);
  EXPECT_EQ(make_windows(model, fake_text(50), 16, 2, "book.txt")->num_windows, 2U);
  EXPECT_EQ(make_windows(model, fake_text(50), 16, 9, "book.txt")->num_windows, 3U);
}

TEST(MakeWindows, DropsOneTrailingNewlineOnly) {
  FakeModel model;
  EXPECT_EQ(make_windows(model, fake_text(20) + "\n", 16, 0, "t")->tokens.size(), 20U);
  EXPECT_EQ(make_windows(model, fake_text(20) + "\n\n", 16, 0, "t")->tokens.size(), 21U);
}

TEST(MakeWindows, EachProblemHasItsOwnMessage) {
  FakeModel model;
  EXPECT_EQ(problem(make_windows(model, "", 16, 0, "book.txt")), "book.txt: the text is empty");
  EXPECT_EQ(problem(make_windows(model, "\n", 16, 0, "book.txt")), "book.txt: the text is empty");
  EXPECT_EQ(problem(make_windows(model, fake_text(37), 512, 0, "book.txt")),
            "book.txt: text too short, got 37 tokens, want at least one window of 512");
  EXPECT_EQ(problem(make_windows(model, fake_text(37), 2, 0, "book.txt")),
            "window: too short to score anything, got 2, want at least 3 tokens");
}

}  // namespace
}  // namespace bhroute::evaluation
