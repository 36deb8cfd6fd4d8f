#pragma once
/* bhroute for other engines, in plain C: which experts of a layer each token gets, by a compiled policy.
 * Link with libbhroute.so.0 (CMake: bhroute::c, pkg-config: bhroute); examples/c/route.c is a whole program.
 *
 * Errors: a function that can fail returns a status; the reason is one line, bhroute_last_error(). No
 * exception leaves a function, nothing is printed, and output arguments are written on success alone.
 * Ownership: the caller owns every buffer it passes, and none is kept after the call. A policy lives from
 * bhroute_policy_load or _parse to bhroute_policy_free.
 * Threads: every function may be called from any thread. A policy never changes, so several threads may
 * route by one at the same time; only bhroute_policy_free must be the last call on it.
 * Versions: structs, values and functions stay as they are as long as the number in libbhroute.so.0 does. */

#include <stddef.h>
#include <stdint.h>

#define BHROUTE_VERSION_MAJOR 0
#define BHROUTE_VERSION_MINOR 1
#define BHROUTE_VERSION_PATCH 0
/* Comparable: 1.2.3 is 10203. */
#define BHROUTE_VERSION_NUMBER \
  (BHROUTE_VERSION_MAJOR * 10000 + BHROUTE_VERSION_MINOR * 100 + BHROUTE_VERSION_PATCH)

#ifdef __GNUC__
#define BHROUTE_API __attribute__((visibility("default")))
#else
#define BHROUTE_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Of the library that runs, which may be newer than this header. */
BHROUTE_API int bhroute_version_number(void);
/* "0.1.0"; lives as long as the process. */
BHROUTE_API const char* bhroute_version(void);

typedef enum bhroute_status {
  BHROUTE_OK = 0,
  BHROUTE_FAILURE = 1,      /* the work could not be done: no memory, unreadable file */
  BHROUTE_INVALID_INPUT = 2 /* an argument or a file's content is wrong */
} bhroute_status;

/* Why the last call that failed in this thread did: "WHERE: what, got X, want Y"; "" before the first.
 * Valid until this thread's next call that fails. */
BHROUTE_API const char* bhroute_last_error(void);

typedef enum bhroute_severity { BHROUTE_INFO = 0, BHROUTE_WARNING = 1 } bhroute_severity;
/* `message` is valid during the call. Called from the thread that has something to say, in the middle of its
 * work: a function of this header that returns a status fails with BHROUTE_INVALID_INPUT when a sink calls it,
 * and a sink must not wait for another thread's call. */
typedef void (*bhroute_log_sink)(void* user, bhroute_severity severity, const char* message);
/* Where information and warnings of the whole process go; NULL = nowhere, as at the start. */
BHROUTE_API void bhroute_set_log_sink(bhroute_log_sink sink, void* user);

/* What a policy must know of the model that it routes. */
typedef struct bhroute_router_facts {
  size_t num_experts;
  size_t top_k;               /* the model's own number of experts a token */
  int32_t normalizes_weights; /* not 0: the model scales selected weights to sum 1 (Mixtral, Qwen3-MoE) */
} bhroute_router_facts;

typedef struct bhroute_policy bhroute_policy;

/* A policy's JSON file. A relative table in it is relative to the file.
 * `table`: the calibration table to use in its place, or NULL. A rule that tests p-values and has no table
 * ranks the logits of each call among themselves, and warns. On success *policy is to be freed.
 * A table of another model is refused (BHROUTE_INVALID_INPUT) where the policy carries its table's hash
 * (table_sha256, which `bhroute tune` writes) and the file has another, whoever names the file. Without the
 * hash only the number of experts is compared: the library never sees the model's file. */
BHROUTE_API bhroute_status bhroute_policy_load(const char* path, const char* table,
                                               const bhroute_router_facts* facts,
                                               bhroute_policy** policy);
/* The same from its text: the short form "bh:alpha=0.2,max_k=16" or a JSON object. Opens no file but the
 * table, whose path, if relative, is relative to the working folder. */
BHROUTE_API bhroute_status bhroute_policy_parse(const char* text, const char* table,
                                                const bhroute_router_facts* facts,
                                                bhroute_policy** policy);
/* NULL is allowed. */
BHROUTE_API void bhroute_policy_free(bhroute_policy* policy);

/* Its short form; lives as long as the policy. */
BHROUTE_API const char* bhroute_policy_text(const bhroute_policy* policy);
/* The most experts that a token of any layer gets: a row width that always suffices. */
BHROUTE_API size_t bhroute_policy_width(const bhroute_policy* policy);

/* Router logits, before any softmax: expert e of token t at data[t * token_stride + e * expert_stride]. */
typedef struct bhroute_logits {
  const float* data;
  size_t num_tokens;
  size_t num_experts;   /* that of the policy's facts */
  size_t token_stride;  /* in floats, at least 1 */
  size_t expert_stride; /* in floats, at least 1; 1 is fastest */
} bhroute_logits;

/* The caller's buffers, rows are tokens. A token's experts come first in its row, best first; the rest of
 * the row is -1 in expert_ids and 0 in routing_weights. */
typedef struct bhroute_decision {
  int32_t* expert_ids;    /* [num_tokens, width] */
  float* routing_weights; /* [num_tokens, width] */
  int32_t* num_selected;  /* [num_tokens] */
  size_t width;           /* at least the most experts that the layer gives a token */
} bhroute_decision;

/* A token whose every logit is NaN gets num_selected 0 (the engine routes it) in place of an error. */
#define BHROUTE_ALLOW_UNROUTABLE 1u

/* Routes every token of one layer. `layer`: its index in the model's tensor names, as in the table.
 * `flags`: BHROUTE_ALLOW_UNROUTABLE or 0. No tokens is fine, and writes nothing. */
BHROUTE_API bhroute_status bhroute_route(const bhroute_policy* policy, int32_t layer,
                                         const bhroute_logits* logits, uint32_t flags,
                                         const bhroute_decision* decision);

#ifdef __cplusplus
}
#endif
