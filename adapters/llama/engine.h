#pragma once
// Owners for llama.cpp's handles, and its log led into ours.

#include <llama.h>

#include <memory>
#include <string>

namespace bhroute::llama {

using Model = std::unique_ptr<llama_model, decltype(&llama_model_free)>;
using Context = std::unique_ptr<llama_context, decltype(&llama_free)>;

/// Starts the backend once a process; llama.cpp's errors are kept for messages, the
/// rest dropped.
void start_engine();
/// What is called with llama.cpp's own words where it asserts something, before it ends the process; for the whole process.
/// nullptr: it prints them itself.
void set_assertion_handler(void (*handler)(const char* message));
/// The first error llama.cpp logged since the previous call, without its line end.
std::string take_engine_message();

}  // namespace bhroute::llama
