#pragma once
// What a result was made from, for people and for resumption.

#include <nlohmann/json.hpp>

#include "sweep_plan.h"

namespace bhroute::evaluation {

/// Model, text, settings, versions, seeds, command and units: the keys that every file of a sweep
/// carries.
nlohmann::json sweep_record(const ModelRunner& model, const WindowedText& text,
                            const SweepOptions& options);

/// SHA-256 over all that decides the numbers of any run, its speed aside: model, tokens, settings
/// but for the threads, versions.
std::string environment_fingerprint(const ModelRunner& model, const WindowedText& text,
                                    const SweepOptions& options);

/// That and the job's policy, table and way of running, and the tasks where it answers them.
std::string job_fingerprint(const std::string& environment, const Job& job,
                            std::span<const Task> tasks = {});

nlohmann::json table_to_json(const TableSource& source);

}  // namespace bhroute::evaluation
