#include "ggml/host_ggml.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cstring>

namespace bhroute::ggml {

HostGgml host;

namespace {

// The handle of the library around `address`; its dependencies are searched with it.
void* library_of(const void* address) {
  Dl_info info{};
  if (address == nullptr || dladdr(address, &info) == 0 || info.dli_fname == nullptr)
    return nullptr;
  return dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
}

void* look_up(void* library, const char* name) {
  void* found = library == nullptr ? nullptr : dlsym(library, name);
  return found != nullptr ? found : dlsym(RTLD_DEFAULT, name);
}

template <class Function>
bool bind(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(look_up(library, name));
  return function != nullptr;
}

const char* bind_all(void* library) {
#define BHROUTE_BIND(name) \
  if (!bind(library, #name, host.name)) return #name;
  BHROUTE_HOST_FUNCTIONS(BHROUTE_BIND)
#undef BHROUTE_BIND
  return nullptr;
}

struct NamedOp {
  ggml_op op;
  const char* name;
};

// Operations are numbered by position in an enumeration that grows in the middle.
constexpr NamedOp kOps[] = {
    {GGML_OP_NONE, "NONE"},
    {GGML_OP_ADD, "ADD"},
    {GGML_OP_ADD_ID, "ADD_ID"},
    {GGML_OP_MUL, "MUL"},
    {GGML_OP_DIV, "DIV"},
    {GGML_OP_SQR, "SQR"},
    {GGML_OP_SQRT, "SQRT"},
    {GGML_OP_SUM_ROWS, "SUM_ROWS"},
    {GGML_OP_MUL_MAT_ID, "MUL_MAT_ID"},
    {GGML_OP_SCALE, "SCALE"},
    {GGML_OP_CONT, "CONT"},
    {GGML_OP_RESHAPE, "RESHAPE"},
    {GGML_OP_VIEW, "VIEW"},
    {GGML_OP_PERMUTE, "PERMUTE"},
    {GGML_OP_TRANSPOSE, "TRANSPOSE"},
    {GGML_OP_GET_ROWS, "GET_ROWS"},
    {GGML_OP_SET_ROWS, "SET_ROWS"},
    {GGML_OP_SOFT_MAX, "SOFT_MAX"},
    {GGML_OP_CLAMP, "CLAMP"},
    {GGML_OP_ARGSORT, "ARGSORT"},
    {GGML_OP_FILL, "FILL"},
    {GGML_OP_UNARY, "UNARY"},
    {GGML_OP_GLU, "GLU"},
    {GGML_OP_CUSTOM, "CUSTOM"},
};

constexpr std::size_t kObjectHeader = 32;  // of ggml's arena, counted into ggml_tensor_overhead()

Result<void> check_structures() {
  const std::size_t size = host.ggml_tensor_overhead() - kObjectHeader;
  if (size != sizeof(ggml_tensor))
    return failure("ggml", "another tensor structure than the plugin was compiled against",
                   fmt::format("{} bytes", size), fmt::format("{} bytes", sizeof(ggml_tensor)));
  if (std::strcmp(host.ggml_type_name(GGML_TYPE_I32), "i32") != 0)
    return failure("ggml", "other type numbers than the plugin was compiled against");
  for (const NamedOp& known : kOps)
    if (std::strcmp(host.ggml_op_name(known.op), known.name) != 0)
      return failure("ggml", "other operation numbers than the plugin was compiled against",
                     host.ggml_op_name(known.op), known.name);
  return {};
}

}  // namespace

Result<void> bind_host(const void* caller) {
  void* library = library_of(caller);
  if (host.ggml_init != nullptr) {  // taken before: by this copy of ggml, or there is nothing to do
    if (look_up(library, "ggml_init") == reinterpret_cast<void*>(host.ggml_init)) return {};
    return failure("ggml", "the plugin is in use by another copy of ggml in this process");
  }
  if (const char* missing = bind_all(library)) {
    host = {};
    return failure("ggml", "the host's ggml lacks a function", "", missing);
  }
  auto checked = check_structures();
  if (!checked) host = {};
  return checked;
}

int host_api_version() {
  return host.ggml_backend_reg_count() == 0 ? 0 : host.ggml_backend_reg_get(0)->api_version;
}

}  // namespace bhroute::ggml
