/* Prints what a compiled program knows of the C API: sizes, offsets, values and types. A type is
 * printed if it is the one written here; abi.expected holds both to the record. */

#include <bhroute.h>
#include <stdio.h>

#define IS(expression, ...) \
  _Generic((expression), __VA_ARGS__ : #__VA_ARGS__, default : "another type")
#define SIZE(type) printf("sizeof %s %zu\n", #type, sizeof(type))
#define FIELD(type, field, ...)                                         \
  printf("offset %s.%s %zu %s\n", #type, #field, offsetof(type, field), \
         IS(((type*)0)->field, __VA_ARGS__))
#define VALUE(name) printf("value %s %ld\n", #name, (long)(name))
#define POINTER(type, ...) printf("typedef %s %s\n", #type, IS((type)0, __VA_ARGS__))
#define FUNCTION(name, ...) printf("function %s %s\n", #name, IS(&name, __VA_ARGS__))

static void structs(void) {
  SIZE(bhroute_router_facts);
  FIELD(bhroute_router_facts, num_experts, size_t);
  FIELD(bhroute_router_facts, top_k, size_t);
  FIELD(bhroute_router_facts, normalizes_weights, int32_t);
  SIZE(bhroute_logits);
  FIELD(bhroute_logits, data, const float*);
  FIELD(bhroute_logits, num_tokens, size_t);
  FIELD(bhroute_logits, num_experts, size_t);
  FIELD(bhroute_logits, token_stride, size_t);
  FIELD(bhroute_logits, expert_stride, size_t);
  SIZE(bhroute_decision);
  FIELD(bhroute_decision, expert_ids, int32_t*);
  FIELD(bhroute_decision, routing_weights, float*);
  FIELD(bhroute_decision, num_selected, int32_t*);
  FIELD(bhroute_decision, width, size_t);
}

static void functions(void) {
  POINTER(bhroute_log_sink, void (*)(void*, bhroute_severity, const char*));
  FUNCTION(bhroute_version_number, int (*)(void));
  FUNCTION(bhroute_version, const char* (*)(void));
  FUNCTION(bhroute_last_error, const char* (*)(void));
  FUNCTION(bhroute_set_log_sink, void (*)(bhroute_log_sink, void*));
  FUNCTION(bhroute_policy_load, bhroute_status(*)(const char*, const char*,
                                                  const bhroute_router_facts*, bhroute_policy**));
  FUNCTION(bhroute_policy_parse, bhroute_status(*)(const char*, const char*,
                                                   const bhroute_router_facts*, bhroute_policy**));
  FUNCTION(bhroute_policy_free, void (*)(bhroute_policy*));
  FUNCTION(bhroute_policy_text, const char* (*)(const bhroute_policy*));
  FUNCTION(bhroute_policy_width, size_t(*)(const bhroute_policy*));
  FUNCTION(bhroute_route, bhroute_status(*)(const bhroute_policy*, int32_t, const bhroute_logits*,
                                            uint32_t, const bhroute_decision*));
}

int main(void) {
  SIZE(bhroute_status);
  VALUE(BHROUTE_OK);
  VALUE(BHROUTE_FAILURE);
  VALUE(BHROUTE_INVALID_INPUT);
  SIZE(bhroute_severity);
  VALUE(BHROUTE_INFO);
  VALUE(BHROUTE_WARNING);
  VALUE(BHROUTE_ALLOW_UNROUTABLE);
  structs();
  functions();
  return 0;
}
