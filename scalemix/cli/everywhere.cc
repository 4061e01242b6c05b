#include "scalemix/cli/everywhere.h"

#include "scalemix/cli/options.h"

namespace scalemix::inline v0::cli {

void add_everywhere(CLI::App& app, Everywhere& flags) {
  const auto subs = app.get_subcommands([](CLI::App*) { return true; });
  for (CLI::App* sub : subs) add_everywhere(*sub, flags);
  if (!subs.empty()) return;
  const auto lacks = [&app](const char* name) { return app.get_option_no_throw(name) == nullptr; };
  if (lacks("--quiet")) app.add_flag("--quiet", flags.quiet, "No messages but errors");
  if (lacks("--threads")) add_threads_option(app, flags.threads);
}

}  // namespace scalemix::inline v0::cli
