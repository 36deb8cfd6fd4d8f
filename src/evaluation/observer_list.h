#pragma once

#include <vector>

#include "bhroute/evaluation/model_runner.h"

namespace bhroute::evaluation {

/// Several observers as one, called in order. They must outlive it.
class ObserverList final : public RouterObserver {
 public:
  explicit ObserverList(std::vector<RouterObserver*> observers)
      : observers_(std::move(observers)) {}
  void add(RouterObserver& observer) { observers_.push_back(&observer); }
  void on_layer(int layer, LogitsView logits, const routing::RoutingDecision* decision) override {
    for (RouterObserver* observer : observers_) observer->on_layer(layer, logits, decision);
  }

 private:
  std::vector<RouterObserver*> observers_;
};

}  // namespace bhroute::evaluation
