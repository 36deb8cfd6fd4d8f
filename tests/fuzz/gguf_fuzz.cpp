// Our look at a model's header, before llama.cpp reads it.

#include "fuzz/finding.h"
#include "fuzz/target.h"
#include "llama/gguf_header.h"

bool bhroute::fuzz::accepts(std::string_view bytes) {
  const auto header = llama::parse_gguf_header(bytes, "fuzz.gguf");
  if (!header) return false;
  require(header->num_keys * 13 + header->num_tensors * 24 <= bytes.size(), "more keys and tensors than bytes");
  require(header->data_offset >= 24, "data within the head");
  return true;
}
