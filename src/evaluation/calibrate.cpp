#include "bhroute/evaluation/calibrate.h"

#include <optional>

#include "decode_text.h"

namespace bhroute::evaluation {
namespace {

using calibration::CalibrationTable;
using calibration::Calibrator;

// Hands each layer's logits to every calibrator; keeps the first error, as an observer cannot stop
// the model.
class CalibratingObserver final : public RouterObserver {
 public:
  explicit CalibratingObserver(std::vector<Calibrator>& calibrators) : calibrators_(calibrators) {}
  void on_layer(int layer, LogitsView logits, const routing::RoutingDecision*) override {
    if (error_ || logits.num_tokens == 0) return;
    for (Calibrator& calibrator : calibrators_)
      if (auto added = calibrator.add(layer, logits); !added && !error_) error_ = added.error();
  }
  const std::optional<Error>& error() const noexcept { return error_; }

 private:
  std::vector<Calibrator>& calibrators_;
  std::optional<Error> error_;
};

Result<std::vector<Calibrator>> make_calibrators(
    const ModelDescription& model, const std::vector<calibration::CalibrationOptions>& options) {
  if (model.moe_layers.empty() || model.num_experts == 0)
    return invalid_input(model.path, "not a mixture of experts",
                         "architecture " + model.architecture + " without MoE layers",
                         "a model with router tensors (ffn_gate_inp)");
  std::vector<Calibrator> calibrators;
  for (const auto& one : options) {
    auto created = Calibrator::create(one, model.num_experts, model.top_k);
    if (!created) return tl::make_unexpected(created.error());
    calibrators.push_back(std::move(*created));
  }
  return calibrators;
}

calibration::TableMetadata complete(calibration::TableMetadata metadata,
                                    const ModelDescription& model) {
  if (metadata.model_name.empty()) metadata.model_name = model.name;
  if (metadata.model_sha256.empty()) metadata.model_sha256 = model.sha256;
  metadata.num_layers = model.moe_layers.size();
  metadata.num_experts = model.num_experts;
  metadata.top_k = model.top_k;
  return metadata;
}

Result<void> observe(ModelRunner& model, const WindowedText& text, CalibratingObserver& observer,
                     ProgressSink& progress, std::string_view label) {
  auto scope = RoutingScope::enter(model, nullptr, &observer);
  if (!scope) return tl::make_unexpected(scope.error());
  const auto seconds = decode_text(model, text, text.window, nullptr, label, progress);
  if (!seconds) return tl::make_unexpected(seconds.error());
  if (observer.error()) return tl::make_unexpected(*observer.error());
  return {};
}

}  // namespace

Result<std::vector<CalibrationTable>> calibrate(
    ModelRunner& model, const WindowedText& text,
    const std::vector<calibration::CalibrationOptions>& options,
    const calibration::TableMetadata& metadata, ProgressSink& progress, std::string_view label) {
  auto calibrators = make_calibrators(model.description(), options);
  if (!calibrators) return tl::make_unexpected(calibrators.error());
  CalibratingObserver observer(*calibrators);
  if (auto observed = observe(model, text, observer, progress, label); !observed)
    return tl::make_unexpected(observed.error());
  std::vector<CalibrationTable> tables;
  for (const Calibrator& calibrator : *calibrators) {
    auto table = calibrator.finish(complete(metadata, model.description()));
    if (!table) return tl::make_unexpected(table.error());
    tables.push_back(std::move(*table));
  }
  return tables;
}

}  // namespace bhroute::evaluation
