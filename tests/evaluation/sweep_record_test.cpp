#include "../../src/evaluation/sweep_record.h"

#include <gtest/gtest.h>

#include <set>

#include "bhroute/core/version.h"
#include "evaluation/fake_model.h"

namespace bhroute::evaluation {
namespace {

SweepOptions sample_options() {
  SweepOptions options;
  options.command = "bhroute sweep";
  options.model_path = "models/fake.gguf";
  options.text_path = "book.txt";
  options.text_sha256 = "t";
  options.threads = 2;
  return options;
}

TEST(SweepRecord, SaysWhatAResultWasMadeFrom) {
  const FakeModel model;
  const auto record = sweep_record(model, fake_windows(2), sample_options());
  EXPECT_EQ(record["model"]["path"], "models/fake.gguf");
  EXPECT_EQ(record["model"]["sha256"], model.description().sha256);
  EXPECT_EQ(record["model"]["num_experts"], 8);
  EXPECT_EQ(record["model"]["top_k"], 2);
  EXPECT_EQ(record["text"]["path"], "book.txt");
  EXPECT_EQ(record["text"]["sha256"], "t");
  EXPECT_EQ(record["versions"]["bhroute"], version());
  EXPECT_EQ(record["versions"]["engine"], "fake engine 1");
  EXPECT_EQ(record["windows"], 2);
  EXPECT_EQ(record["window"], 16);
  EXPECT_EQ(record["score"], "second_half");
  EXPECT_EQ(record["threads"], 2);
  EXPECT_FALSE(record.contains("batch"));  // not known
  EXPECT_EQ(record["command"], "bhroute sweep");
  EXPECT_TRUE(record.contains("seeds"));
  EXPECT_TRUE(record["units"].contains("loss"));
}

TEST(SweepRecord, TheEnvironmentsFingerprintSeesEveryChange) {
  FakeModel model;
  const WindowedText text = fake_windows(2);
  const SweepOptions options = sample_options();
  std::set<std::string> seen{environment_fingerprint(model, text, options)};
  EXPECT_TRUE(seen.contains(environment_fingerprint(model, text, options)));

  WindowedText other = text;
  other.tokens[3] ^= 1;
  EXPECT_TRUE(seen.insert(environment_fingerprint(model, other, options)).second);
  other = text;
  other.num_windows = 1;
  EXPECT_TRUE(seen.insert(environment_fingerprint(model, other, options)).second);
  SweepOptions changed = options;
  changed.evaluate.score = Score::all;
  EXPECT_TRUE(seen.insert(environment_fingerprint(model, text, changed)).second);
  changed = options;
  changed.batch = 512;
  EXPECT_TRUE(seen.insert(environment_fingerprint(model, text, changed)).second);
  changed = options;
  changed.text_sha256 = "u";
  EXPECT_TRUE(seen.insert(environment_fingerprint(model, text, changed)).second);
  model.mutable_description().sha256 = "b";
  EXPECT_TRUE(seen.insert(environment_fingerprint(model, text, options)).second);
  model.mutable_description().engine = "fake engine 2";
  EXPECT_TRUE(seen.insert(environment_fingerprint(model, text, options)).second);
}

TEST(SweepRecord, CommandAndThreadsDoNotMakeAnotherRun) {
  const FakeModel model;
  SweepOptions other = sample_options();
  other.command = "bhroute sweep --again";
  other.threads = 1;
  EXPECT_EQ(environment_fingerprint(model, fake_windows(2), sample_options()),
            environment_fingerprint(model, fake_windows(2), other));
}

TEST(SweepRecord, AJobsFingerprintSeesPolicyTableAndWay) {
  Configuration configuration;
  Job job;
  job.configuration = &configuration;
  std::set<std::string> seen{job_fingerprint("e", job)};
  EXPECT_TRUE(seen.insert(job_fingerprint("f", job)).second);
  configuration.name = "renamed";
  EXPECT_FALSE(seen.insert(job_fingerprint("e", job)).second);
  configuration.policy.alpha = 0.07;
  EXPECT_TRUE(seen.insert(job_fingerprint("e", job)).second);
  job.table.sha256 = "other";
  EXPECT_TRUE(seen.insert(job_fingerprint("e", job)).second);
  job.own_routing = true;
  EXPECT_TRUE(seen.insert(job_fingerprint("e", job)).second);
}

TEST(SweepRecord, ATableIsDescribed) {
  auto table = std::make_shared<calibration::CalibrationTable>();
  table->metadata.null.kind = calibration::NullKind::unselected;
  const auto object = table_to_json({"a.safetensors", "hash", table});
  EXPECT_EQ(object["path"], "a.safetensors");
  EXPECT_EQ(object["sha256"], "hash");
  EXPECT_EQ(object["null"], "unselected");
  EXPECT_FALSE(table_to_json({"", "none", nullptr}).contains("null"));
}

}  // namespace
}  // namespace bhroute::evaluation
