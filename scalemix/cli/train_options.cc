#include "scalemix/cli/train_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "scalemix/base/parallel.h"
#include "scalemix/cli/options.h"

namespace scalemix::inline v0::cli {
namespace {

bool is_list(const run::Field& field) {
  return std::holds_alternative<std::vector<std::string> run::TrainConfig::*>(field.member);
}

/// The help with the default, where it does not tell that itself ("0: by data and method").
std::string help_of(const run::Field& field, const nlohmann::ordered_json& defaults) {
  const nlohmann::ordered_json& value = defaults[std::string(field.key)];
  std::string help(field.help);
  const std::string text = value.is_string()  ? value.get<std::string>()
                           : value.is_array() ? ""
                                              : fmt::format("{:g}", value.get<double>());
  if (text.empty() || text == "-1" || help.find("default") != std::string::npos ||
      help.find(text + ":") != std::string::npos) {
    return help;
  }
  return fmt::format("{} (default: {})", help, text);
}

}  // namespace

run::TrainConfig TrainKeys::config() const {
  run::TrainConfig config;
  if (!config_file.empty()) run::read_toml(config_file, config);
  run::read_environment(config);
  const auto& fields = run::train_fields();
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (given[i].empty()) continue;
    if (is_list(fields[i])) {
      (config.*std::get<std::vector<std::string> run::TrainConfig::*>(fields[i].member)).clear();
    }
    if (fields[i].key == "target") one_target(given[i]);
    for (const std::string& word : given[i]) {
      run::set_from_text(config, fields[i], word, "--" + run::flag_of(fields[i].key));
    }
  }
  return config;
}

std::string TrainKeys::first_given() const {
  if (!config_file.empty()) return "config";
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (!given[i].empty()) return run::flag_of(run::train_fields()[i].key);
  }
  return "";
}

std::shared_ptr<TrainKeys> add_train_keys(CLI::App& sub,
                                          const std::vector<std::string_view>& without) {
  auto keys = std::make_shared<TrainKeys>();
  const auto& fields = run::train_fields();
  keys->given.resize(fields.size());
  const nlohmann::ordered_json defaults = run::to_json(run::TrainConfig{});
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (std::find(without.begin(), without.end(), fields[i].key) != without.end()) continue;
    CLI::Option* option = sub.add_option("--" + run::flag_of(fields[i].key), keys->given[i],
                                         help_of(fields[i], defaults));
    option->expected(1)->type_name(std::string(fields[i].metavar));
    option->group(std::string(fields[i].group));
    const bool all = is_list(fields[i]) || fields[i].key == "target";
    option->multi_option_policy(all ? CLI::MultiOptionPolicy::TakeAll
                                    : CLI::MultiOptionPolicy::TakeLast);
  }
  sub.add_option("--config", keys->config_file, "TOML file with any of these keys")
      ->type_name("FILE");
  return keys;
}

void use_threads(run::TrainConfig& config) {
  if (config.threads == 0) config.threads = threads();
  set_threads(config.threads);
}

}  // namespace scalemix::inline v0::cli
