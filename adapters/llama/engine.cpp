#include "llama/engine.h"

#include <ggml-backend.h>

#include <mutex>
#include <utility>

#include "llama/llama_runner.h"

namespace bhroute::llama {
namespace {

std::mutex message_mutex;
std::string first_message;  // the reason; those after it only say which call gave up

void keep_message(ggml_log_level level, const char* text, void*) {
  if (level != GGML_LOG_LEVEL_ERROR) return;
  std::lock_guard lock(message_mutex);
  if (!first_message.empty()) return;
  first_message = text;
  while (!first_message.empty() && (first_message.back() == '\n' || first_message.back() == ' '))
    first_message.pop_back();
}

}  // namespace

void start_engine() {
  static std::once_flag once;
  std::call_once(once, [] {
    llama_log_set(&keep_message, nullptr);
    llama_backend_init();
  });
}

std::string take_engine_message() {
  std::lock_guard lock(message_mutex);
  return std::exchange(first_message, {});
}

void set_assertion_handler(void (*handler)(const char* message)) {
  ggml_set_abort_callback(handler);
}

std::string engine_version() { return "llama.cpp (" BHROUTE_LLAMA_VERSION ")"; }

std::string engine_devices() {
  start_engine();
  std::string list;
  for (std::size_t i = 0; i < ggml_backend_dev_count(); ++i) {
    ggml_backend_dev_t device = ggml_backend_dev_get(i);
    list += (i == 0 ? "" : ", ") + std::string(ggml_backend_dev_name(device)) + " (" +
            ggml_backend_dev_description(device) + ")";
  }
  return list;
}

}  // namespace bhroute::llama
