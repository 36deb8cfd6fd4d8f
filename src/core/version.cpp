#include "bhroute/core/version.h"

namespace bhroute {

std::string_view version() { return BHROUTE_VERSION; }

}  // namespace bhroute
