#include "manual_words.h"

namespace bhroute::cli {
namespace {

constexpr ManualEntry kVariables[] = {
    {"BHROUTE_FORCE_ISA",
     "Name of the instruction set whose kernels run; `bhroute info` lists them"},
    {"BHROUTE_KDE_DIR", "First folder in which tables of the original system are looked for"},
    {"BHROUTE_POLICY", "Read by the plugin inside another program: a policy, or its file"},
    {"BHROUTE_QUIET",
     "Read by the plugin: where set, it says warnings and errors alone (exec --quiet sets it)"},
    {"BHROUTE_STATS", "Read by the plugin: the file that holds the line of what was routed"},
    {"NO_COLOR", "Set to anything: no colours on a terminal (elsewhere there are none)"},
    {"TMPDIR", "Folder of the temporary file of `bhroute evaluate` (default /tmp)"},
};

constexpr ManualEntry kExitCodes[] = {
    {"0", "Fine"},
    {"1", "The work failed"},
    {"2", "The command line or an input is wrong"},
    {"130",
     "Stopped by SIGINT; the last line says whether the same command continues or begins anew"},
    {"143", "Stopped by SIGTERM, likewise"},
};

}  // namespace

std::span<const ManualEntry> environment_variables() { return kVariables; }
std::span<const ManualEntry> exit_codes() { return kExitCodes; }

}  // namespace bhroute::cli
