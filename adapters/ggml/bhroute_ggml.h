#pragma once
/* What the plugin offers a program that holds it in its own process. Plain C; each function is
 * found by its name through ggml_backend_reg_get_proc_address(ggml_backend_reg_by_name("bhroute"),
 * NAME). */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bhroute_ggml_statistics {
  uint64_t layers_fused;     /* MoE layers routed by the policy */
  uint64_t layers_untouched; /* MoE layers left to the host's own routing */
  uint64_t tokens;           /* of the layer that saw most */
  uint64_t token_layers;     /* tokens routed, added over layers */
  uint64_t pairs;            /* (token, expert) pairs selected */
  uint64_t own_pairs;        /* pairs that the model's own top_k would have computed */
  uint64_t computed_pairs;   /* pairs computed; more than selected only in hosts that look at single
                                nodes */
  uint64_t choosing_ns;      /* time from the router's scores to the list of pairs */
  uint64_t block_ns;         /* time in the MoE blocks, choosing included */
};

/* Routes by this policy from now on: what bhroute's --policy takes (short form, JSON file). "" =
 * the model's own routing. Returns NULL, or why it was refused (valid until this thread's next
 * call); the old policy stays. */
typedef const char* (*bhroute_ggml_set_policy_t)(const char* policy);

/* One layer of one micro-batch, to be decided by the host program. */
struct bhroute_ggml_routing {
  int layer;
  size_t num_tokens, num_experts;
  const float* logits;    /* [num_tokens, num_experts] */
  size_t width;           /* most experts a token */
  int32_t* expert_ids;    /* out [num_tokens, width], best first */
  float* routing_weights; /* out [num_tokens, width] */
  int32_t* num_selected;  /* out [num_tokens]; -1 = the model's own top_k */
};
/* What is computed of it, in the engine's order: token t has first[t] .. first[t + 1] - 1. */
struct bhroute_ggml_selection {
  int layer;
  size_t num_tokens;
  const size_t* first;    /* [num_tokens + 1] */
  const int32_t* experts; /* [first[num_tokens]] */
  const float* weights;
};
/* A router in the host program. Its functions are called from the thread that decodes. */
struct bhroute_ggml_router {
  void* self;
  size_t width;
  int (*route)(void* self, struct bhroute_ggml_routing* routing); /* 0 = decided */
  void (*chosen)(void* self, const struct bhroute_ggml_selection* selection);
};
/* As set_policy, but `router` decides how many and which; `policy` says by which rule it weighs.
 * The router must outlive its use. */
typedef const char* (*bhroute_ggml_set_router_t)(const char* policy,
                                                 const struct bhroute_ggml_router* router);

/* Counted since the start or the last reset, over all contexts of the process. */
typedef void (*bhroute_ggml_get_statistics_t)(struct bhroute_ggml_statistics* statistics);
typedef void (*bhroute_ggml_reset_statistics_t)(void);

#define BHROUTE_GGML_SET_POLICY "bhroute_ggml_set_policy"
#define BHROUTE_GGML_SET_ROUTER "bhroute_ggml_set_router"
#define BHROUTE_GGML_GET_STATISTICS "bhroute_ggml_get_statistics"
#define BHROUTE_GGML_RESET_STATISTICS "bhroute_ggml_reset_statistics"

#ifdef __cplusplus
}
#endif
