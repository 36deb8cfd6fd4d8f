/* Prints what a compiled program knows of the C API: sizes, offsets and values. */

#include <bhroute.h>
#include <stdio.h>

#define SIZE(type) printf("sizeof %s %zu\n", #type, sizeof(type))
#define FIELD(type, field) printf("offset %s.%s %zu\n", #type, #field, offsetof(type, field))
#define VALUE(name) printf("value %s %ld\n", #name, (long)(name))

int main(void) {
  SIZE(bhroute_status);
  VALUE(BHROUTE_OK);
  VALUE(BHROUTE_FAILURE);
  VALUE(BHROUTE_INVALID_INPUT);
  SIZE(bhroute_severity);
  VALUE(BHROUTE_INFO);
  VALUE(BHROUTE_WARNING);
  VALUE(BHROUTE_ALLOW_UNROUTABLE);
  SIZE(bhroute_router_facts);
  FIELD(bhroute_router_facts, num_experts);
  FIELD(bhroute_router_facts, top_k);
  FIELD(bhroute_router_facts, normalizes_weights);
  SIZE(bhroute_logits);
  FIELD(bhroute_logits, data);
  FIELD(bhroute_logits, num_tokens);
  FIELD(bhroute_logits, num_experts);
  FIELD(bhroute_logits, token_stride);
  FIELD(bhroute_logits, expert_stride);
  SIZE(bhroute_decision);
  FIELD(bhroute_decision, expert_ids);
  FIELD(bhroute_decision, routing_weights);
  FIELD(bhroute_decision, num_selected);
  FIELD(bhroute_decision, width);
  return 0;
}
