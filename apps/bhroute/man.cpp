// bhroute man: the manual, made from the flags that are declared.

#include <memory>

#include "command.h"
#include "manual_pages.h"

namespace bhroute::cli {

Action declare_man(CLI::App& app, Context& context) {
  auto markdown = std::make_shared<bool>(false);
  app.add_flag("--markdown", *markdown, "As Markdown instead of roff: docs/commands.md");
  return [markdown, &app, &context]() -> Result<void> {
    const Manual manual = read_manual(*app.get_parent());
    context.console.out(*markdown ? markdown_page(manual) : roff_page(manual));
    return {};
  };
}

}  // namespace bhroute::cli
