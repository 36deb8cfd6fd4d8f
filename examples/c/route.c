/* A batch of router logits through a policy, in plain C.
 *
 *   route                              the policy below
 *   route POLICY [TABLE]               a policy's text, or its file (*.json), and a calibration table
 *
 * Compile against an installed bhroute:
 *   cc -std=c11 route.c $(pkg-config --cflags --libs bhroute) -o route */

#include <bhroute.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUM_TOKENS 3
#define NUM_EXPERTS 8

static const float router_logits[NUM_TOKENS][NUM_EXPERTS] = {
    {2.5f, -1.0f, 0.25f, 3.0f, -0.5f, 0.0f, 1.0f, -2.0f},
    {0.0f, 0.125f, -0.125f, 0.0625f, 0.25f, -0.25f, 0.5f, -0.5f},
    {-4.0f, 6.0f, -3.5f, -3.0f, 0.5f, -5.0f, -2.0f, -1.0f},
};

static int complain(void) {
  fprintf(stderr, "route: %s\n", bhroute_last_error());
  return EXIT_FAILURE;
}

static void warn(void* user, bhroute_severity severity, const char* message) {
  (void)user;
  if (severity == BHROUTE_WARNING) fprintf(stderr, "route: warning: %s\n", message);
}

static bhroute_status open_policy(const char* policy, const char* table, bhroute_policy** opened) {
  const bhroute_router_facts facts = {.num_experts = NUM_EXPERTS, .top_k = 2, .normalizes_weights = 0};
  const size_t length = strlen(policy);
  if (length > 5 && strcmp(policy + length - 5, ".json") == 0)
    return bhroute_policy_load(policy, table, &facts, opened);
  return bhroute_policy_parse(policy, table, &facts, opened);
}

static void print_decision(const bhroute_decision* decision) {
  for (size_t t = 0; t < NUM_TOKENS; ++t) {
    printf("token %zu:", t);
    for (size_t slot = t * decision->width; slot < t * decision->width + (size_t)decision->num_selected[t]; ++slot)
      printf(" %d (%.6f)", (int)decision->expert_ids[slot], (double)decision->routing_weights[slot]);
    printf("\n");
  }
}

static int route(const bhroute_policy* policy) {
  int32_t expert_ids[NUM_TOKENS * NUM_EXPERTS], num_selected[NUM_TOKENS];
  float routing_weights[NUM_TOKENS * NUM_EXPERTS];
  const bhroute_logits logits = {.data = &router_logits[0][0],
                                 .num_tokens = NUM_TOKENS,
                                 .num_experts = NUM_EXPERTS,
                                 .token_stride = NUM_EXPERTS,
                                 .expert_stride = 1};
  const bhroute_decision decision = {.expert_ids = expert_ids,
                                     .routing_weights = routing_weights,
                                     .num_selected = num_selected,
                                     .width = bhroute_policy_width(policy)};
  if (bhroute_route(policy, 0, &logits, 0, &decision) != BHROUTE_OK) return complain();
  printf("%s\n", bhroute_policy_text(policy));
  print_decision(&decision);
  return EXIT_SUCCESS;
}

int main(int argc, char** argv) {
  bhroute_policy* policy = NULL;
  int code;
  bhroute_set_log_sink(warn, NULL);
  if (open_policy(argc > 1 ? argv[1] : "top_p:p=0.7,max_k=4", argc > 2 ? argv[2] : NULL, &policy) != BHROUTE_OK)
    return complain();
  code = route(policy);
  bhroute_policy_free(policy);
  return code;
}
