// bhroute completions: what a shell needs to complete bhroute's command line.

#include <map>
#include <memory>

#include "bhroute/core/did_you_mean.h"
#include "command.h"
#include "completion_scripts.h"

namespace bhroute::cli {

Action declare_completions(CLI::App& app, Context& context) {
  auto shell = std::make_shared<std::string>();
  app.add_option("shell", *shell, "bash, zsh or fish")->type_name("SHELL")->required();
  return [shell, &app, &context]() -> Result<void> {
    const std::map<std::string, std::string (*)(const Manual&)> scripts{
        {"bash", bash_completions}, {"zsh", zsh_completions}, {"fish", fish_completions}};
    const auto script = scripts.find(*shell);
    if (script == scripts.end())
      return invalid_input("completions", "unknown shell", *shell, "bash, zsh or fish");
    context.console.out(script->second(read_manual(*app.get_parent())));
    return {};
  };
}

}  // namespace bhroute::cli
